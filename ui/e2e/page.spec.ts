/// The built page over recorded records: each page in each scheme, on a phone, by keyboard.

import { readFileSync } from 'node:fs'

import { expect, test } from '@playwright/test'

import { faultsOf, go, hindrances, logIn, picture } from './desk'

/// When the records were recorded.
const then = '2026-11-17T10:05:00Z'

let faults: string[] = []

test.beforeEach(async ({ page }) => {
  faults = faultsOf(page)
  await page.clock.setFixedTime(then)
  await logIn(page)
})

test.afterEach(() => {
  expect(faults, 'nothing failed, and the policy refused nothing').toEqual([])
})

/// It has a version before it; that of the life at a real server has none.
const candidate = '/approvals/Web-1.0/Debian-12/1.2.0'
const pages: [string, string | RegExp][] = [
  ['/approvals', 'Approvals'],
  ['/images', 'Images'],
  ['/runs', 'Runs'],
  ['/fleet', 'Fleet'],
  ['/catalog', 'Catalog'],
  ['/audit', 'Audit'],
  [candidate, /1\.2\.0/],
  ['/images/Web-1.0/Debian-12/1.1.0', /1\.1\.0/],
]

test('each page can be read in light and dark', async ({ page }) => {
  await page.setViewportSize({ width: 1180, height: 760 })
  for (const [hash, heading] of pages) {
    await go(page, hash, heading)
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      expect(await hindrances(page), `${hash} in ${scheme}`).toEqual([])
      if (hash === candidate) await picture(page, `approval-${scheme}`)
    }
  }
})

test('on a phone nothing is wider than the screen, and a decision is at hand', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  for (const [hash, heading] of [...pages].reverse()) {
    await go(page, hash, heading)
    expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(390)
    if (hash !== candidate) continue
    await expect(page.getByRole('button', { name: 'Approve' })).toBeInViewport()
    await picture(page, 'approval-phone')
  }
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
  await go(page, '/images/Web-1.0/Debian-12/1.1.0', /1\.1\.0/)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download evidence' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('evidence-Web-1.0-Debian-12-1.1.0.tar')
  expect(readFileSync(await download.path()).subarray(257, 262).toString()).toBe('ustar')
})
