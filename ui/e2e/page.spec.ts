import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { expect, test, type Page } from '@playwright/test'

const real = process.env.HALLMARK_URL !== undefined
const pictures = process.env.HALLMARK_PICTURES
const user = process.env.HALLMARK_USER ?? 'ada'
const password = process.env.HALLMARK_PASSWORD ?? 'golden'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/// When the records were recorded.
const then = '2026-11-17T10:05:00Z'

interface Axe {
  axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
}

const faults: string[] = []

test.beforeEach(async ({ page }) => {
  faults.length = 0
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    // Chromium says of each refused request that it was refused; the page itself shows why.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  if (!real) await page.clock.setFixedTime(then)
  // Not as a script of the page: its policy refuses those, as it should.
  await page.addInitScript({ content: axe })
  await page.goto('/')
  await page.getByLabel('Name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Approvals' })).toBeVisible()
})

test.afterEach(() => {
  expect(faults, 'nothing failed, and the policy refused nothing').toEqual([])
})

async function go(page: Page, hash: string, heading: string | RegExp): Promise<void> {
  await page.goto(`/#${hash}`)
  await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible()
  await expect(page.getByText(/^Loading /)).toHaveCount(0)
}

async function hindrances(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const result = await (window as unknown as Axe).axe.run()
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 100)).join(' | ')}`)
  })
}

async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `ui-${name}.png`) })
}

const pages: [string, string, string | RegExp][] = [
  ['approvals', '/approvals', 'Approvals'],
  ['images', '/images', 'Images'],
  ['runs', '/runs', 'Runs'],
  ['fleet', '/fleet', 'Fleet'],
  ['catalog', '/catalog', 'Catalog'],
  ['audit', '/audit', 'Audit'],
]

for (const scheme of ['light', 'dark'] as const) {
  test(`each page can be read in ${scheme}`, async ({ page }) => {
    test.skip(real, 'recorded records look the same every time')
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width: 1180, height: 760 })
    const dense: typeof pages = [
      ...pages,
      ['approval', '/approvals/Web-1.0/Debian-12/1.2.0', /1\.2\.0/],
      ['image', '/images/Web-1.0/Debian-12/1.1.0', /1\.1\.0/],
    ]
    for (const [name, hash, heading] of dense) {
      await go(page, hash, heading)
      if (name === 'fleet') {
        await page.getByRole('button', { name: 'Check now' }).click()
        await expect(page.getByRole('region', { name: 'Machines' })).toBeVisible()
      }
      await picture(page, `${name}-${scheme}`)
      expect(await hindrances(page), `${name} in ${scheme}`).toEqual([])
    }
  })
}

test('on a phone nothing is wider than the screen, and a decision is at hand', async ({ page }) => {
  test.skip(real, 'recorded records look the same every time')
  await page.setViewportSize({ width: 390, height: 844 })
  for (const [, hash, heading] of [...pages, ['', '/approvals/Web-1.0/Debian-12/1.2.0', /1\.2\.0/] as (typeof pages)[0]]) {
    await go(page, hash, heading)
    expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(390)
  }
  await expect(page.getByRole('button', { name: 'Approve' })).toBeInViewport()
  await picture(page, 'approval-phone')
})

test('all pages are reached and used by keyboard', async ({ page }) => {
  for (const [letter, heading] of [['i', 'Images'], ['r', 'Runs'], ['f', 'Fleet'], ['c', 'Catalog'], ['u', 'Audit'], ['a', 'Approvals']]) {
    await page.keyboard.press('g')
    await page.keyboard.press(letter)
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible()
  }
  await page.goto('/#/images')
  await page.reload()
  await expect(page.getByRole('heading', { level: 1, name: 'Images' })).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByText("To the page's content")).toBeFocused()
})

test('evidence is downloaded as an archive', async ({ page }) => {
  test.skip(real, 'a real bundle takes its time')
  await go(page, '/images/Web-1.0/Debian-12/1.1.0', /1\.1\.0/)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download evidence' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('evidence-Web-1.0-Debian-12-1.1.0.tar')
  expect(readFileSync(await download.path()).subarray(257, 262).toString()).toBe('ustar')
})

// Last: it changes what waits.
test('a candidate is approved in the browser and seen where it was brought', async ({ page }) => {
  await go(page, '/approvals', 'Approvals')
  const card = page.getByRole('region', { name: 'Waiting for you' }).getByRole('link').first()
  const name = (await card.locator('.title').textContent()) ?? ''
  await card.click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  await page.getByLabel('Comment').fill('read in the browser; fine')
  await page.getByRole('button', { name: 'Approve' }).click()
  // A real one is registered and distributed meanwhile.
  await expect(page.getByText('Approved.')).toBeVisible({ timeout: real ? 500_000 : 30_000 })
  await go(page, `/images/${name}`, name)
  await expect(page.getByRole('main').getByText('active', { exact: true }).first()).toBeVisible()
  const matrix = page.getByRole('region', { name: 'Accounts and regions' })
  await expect(matrix.getByText('available').first()).toBeVisible()
})
