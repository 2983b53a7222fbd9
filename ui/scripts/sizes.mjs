// What each page makes a browser load. No page may need more than 300 KB of script, as it lies on disk.
//   node scripts/sizes.mjs [DIST]
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const most = 300_000
const dist = process.argv[2] ?? process.env.HALLMARK_UI_OUT ?? 'dist'
const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'))

function scriptsOf(key, found = new Set()) {
  const chunk = manifest[key]
  if (found.has(chunk.file)) return found
  found.add(chunk.file)
  for (const each of chunk.imports ?? []) scriptsOf(each, found)
  return found
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry)
let status = 0
for (const page of [entry, ...(manifest[entry].dynamicImports ?? [])]) {
  const scripts = new Set([...scriptsOf(entry), ...scriptsOf(page)])
  const bytes = [...scripts].reduce((sum, file) => sum + (file.endsWith('.js') ? statSync(join(dist, file)).size : 0), 0)
  const verdict = bytes > most ? 'TOO LARGE' : 'ok'
  if (bytes > most) status = 1
  console.log(`${page.padEnd(28)} ${(bytes / 1000).toFixed(1).padStart(7)} KB  ${verdict}`)
}

// The server's policy runs no script and takes no style that stands in the page itself.
const html = readFileSync(join(dist, 'index.html'), 'utf8')
if (/<script(?![^>]*\ssrc=)[^>]*>|<style|\sstyle=|\son\w+=/i.test(html)) {
  console.log('index.html has an inline script or style')
  status = 1
}
process.exit(status)
