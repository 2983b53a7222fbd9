/// Tests of the page in a browser. Against the built page over recorded records, or, with HALLMARK_URL, against the real
/// server that tests/life/page_test.py boots. HALLMARK_PICTURES=DIR keeps pictures of the pages then.

import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { defineConfig } from '@playwright/test'

const port = 8138
const real = process.env.HALLMARK_URL
const browser = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))

export default defineConfig({
  testDir: '.',
  testMatch: real ? 'life.spec.ts' : 'page.spec.ts',
  outputDir: join(tmpdir(), `hallmark-e2e-${process.getuid?.() ?? 0}`),
  workers: 1,
  timeout: real ? 400_000 : 60_000,
  expect: { timeout: 30_000 },
  reporter: 'list',
  use: {
    actionTimeout: 30_000,
    baseURL: real ?? `http://127.0.0.1:${port}`,
    ignoreHTTPSErrors: true,
    timezoneId: 'UTC',
    launchOptions: { executablePath: browser, args: ['--no-sandbox', '--disable-dev-shm-usage'] },
  },
  webServer: real
    ? undefined
    : { command: `node e2e/mock_server.mjs ${port}`, cwd: join(import.meta.dirname ?? '.', '..'), port, reuseExistingServer: false },
})
