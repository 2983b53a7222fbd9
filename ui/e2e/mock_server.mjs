// A server of the built page and of records that the program answered with once, with just enough memory to be
// decided at. For looking at the page and for its tests in a browser; the real one is `hallmark server start`.
//   node e2e/mock_server.mjs [PORT]
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const dist = process.env.HALLMARK_UI_OUT ?? join(here, '../dist')
const record = (name) => JSON.parse(readFileSync(join(here, `../src/testdata/${name}.json`), 'utf8'))

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
// What the real server says.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const rights = { ada: 'admin', vic: 'viewer' }
const csrf = 'a-token-for-writes'
const waiting = 'Web-1.0/Debian-12/1.2.0'

const sessions = new Map()
let state = 'awaiting_approval'
const streams = new Set()

/// The waiting image as it stands now: once approved it is where the version before it was.
function now(image) {
  return image.image_key === waiting ? { ...image, state } : image
}

const reads = {
  'image/list': (q) => {
    const gone = ['failed', 'rejected', 'decommissioned']
    const images = record('image_list').images.map(now)
    const only = q.getAll('only')
    return { images: images.filter((i) => (only.length ? only.includes(i.state) : q.has('all') || !gone.includes(i.state))) }
  },
  'image/show': (q) => {
    if (q.get('ref') !== waiting) return record('image_show_active')
    const shown = record('image_show_waiting')
    if (state === 'active') shown.targets = record('image_show_active').targets
    return { ...shown, image: now(shown.image) }
  },
  'image/report': (q) => record(q.get('ref') === waiting ? 'image_report_waiting' : 'image_report_active'),
  'image/evidence': (q) => record(q.get('ref') === waiting ? 'image_evidence_waiting' : 'image_evidence_active'),
  'image/tree': () => record('image_tree'),
  'image/ages': () => record('image_ages'),
  'channel/list': () => record('channel_list'),
  'run/list': (q) => {
    const only = q.getAll('only')
    return { runs: record('run_list').runs.filter((run) => !only.length || only.includes(run.state)) }
  },
  'run/show': (q) => {
    const failed = record('run_show_failed')
    return q.get('id') === failed.run.run_id ? failed : record('run_show_waiting')
  },
  'run/log': () => record('run_log_waiting'),
  'compliance/trend': () => record('compliance_trend'),
  'compliance/show': () => record('compliance_show'),
  'catalog/list': (q) => record(q.has('launched') ? 'catalog_launched' : 'catalog_list'),
  'audit/list': (q) => ({
    entries: record('audit_list').entries.filter(
      (entry) => entry.subject.startsWith(q.get('subject') ?? '') && entry.actor.includes(q.get('actor') ?? ''),
    ),
  }),
}
const writes = {
  'image/approve': () => decide('active'),
  'image/reject': () => decide('rejected'),
  'run/cancel': () => ({}),
  'run/retry': () => ({}),
  'run/resume': () => ({}),
  'compliance/check': () => record('compliance_check'),
  'catalog/launch': () => record('catalog_launch'),
  'catalog/terminate': () => ({}),
  'audit/verify': () => record('audit_verify'),
}

function decide(to) {
  state = to
  const { run } = record('run_show_waiting')
  for (const stream of streams) stream.write(`event: run\ndata: ${JSON.stringify({ ...run, state: 'succeeded' })}\n\n`)
  return {}
}

function send(response, status, body, headers = {}) {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', 'Content-Security-Policy': policy, ...headers })
  response.end(JSON.stringify(body))
}
const refuse = (response, status, kind, detail) => send(response, status, { type: `urn:hallmark:error:${kind}`, status, kind, detail })

async function api(request, response, url) {
  const path = url.pathname.slice('/api/v1/'.length)
  let body = ''
  for await (const chunk of request) body += chunk
  const cookie = /hallmark_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1]
  const name = sessions.get(cookie)
  const who = name && { name, csrf, rights: [{ role: rights[name], product: '*' }] }
  if (path === 'session' && request.method === 'POST') {
    const given = JSON.parse(body)
    if (!rights[given.name] || given.password !== 'golden') return refuse(response, 401, 'denied', 'name or password is wrong')
    const id = Math.random().toString(36).slice(2)
    sessions.set(id, given.name)
    const made = { name: given.name, csrf, rights: [{ role: rights[given.name], product: '*' }] }
    return send(response, 200, made, { 'Set-Cookie': `hallmark_session=${id}; HttpOnly; SameSite=Strict; Path=/` })
  }
  if (!who) return refuse(response, 401, 'denied', 'who is asking?')
  if (path === 'session' && request.method === 'DELETE') {
    sessions.delete(cookie)
    return send(response, 200, {})
  }
  if (path === 'session') return send(response, 200, who)
  if (path === 'events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write('event: hello\ndata: {}\n\n')
    streams.add(response)
    response.on('close', () => streams.delete(response))
    return
  }
  if (request.method === 'GET' && reads[path]) return send(response, 200, reads[path](url.searchParams))
  if (request.method === 'POST' && writes[path]) {
    if (request.headers['x-csrf-token'] !== csrf) return refuse(response, 403, 'denied', 'the CSRF token is missing')
    if (!request.headers['idempotency-key']) return refuse(response, 400, 'usage', 'the Idempotency-Key is missing')
    return send(response, 200, writes[path]())
  }
  refuse(response, 404, 'not_found', `there is nothing at ${url.pathname}`)
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname.startsWith('/api/v1/')) return void api(request, response, url)
  const file = join(dist, normalize(url.pathname === '/' ? '/index.html' : url.pathname))
  if (!file.startsWith(dist) || !existsSync(file)) return refuse(response, 404, 'not_found', 'there is nothing here')
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': policy })
  createReadStream(file).pipe(response)
})
server.listen(Number(process.argv[2] ?? 8137), '127.0.0.1')
