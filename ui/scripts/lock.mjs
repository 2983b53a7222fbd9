// Takes out of package-lock.json where each package came from: that is for whoever installs to say, and its digest
// stays. (npm's own omit-lockfile-registry-resolved loses the versions of optional packages.)
//   npm install && node scripts/lock.mjs
import { readFileSync, writeFileSync } from 'node:fs'

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
for (const entry of Object.values(lock.packages)) delete entry.resolved
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
