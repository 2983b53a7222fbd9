/// A golden image's life at a real server, seen and decided in a browser: tests/life/page_test.py boots the server on
/// the embedded cloud and says where it is. What is done outside of the browser is done by the program itself.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { expect, test, type Page } from '@playwright/test'

import { faultsOf, go, hindrances, logIn, picture, settled } from './desk'

const given = (name: string) => process.env[name] ?? ''
const image = given('HALLMARK_LIFE_IMAGE')
const [product] = image.split('/')
/// A candidate boots meanwhile, without KVM and on a busy machine.
const boots = { timeout: 330_000 }

/// The program, as a colleague would use it at the server.
async function hallmark(...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(given('HALLMARK'), words, {
    env: { HALLMARK_STATE: '/nowhere', HALLMARK_SERVER: given('HALLMARK_URL'), HALLMARK_TOKEN: given('HALLMARK_BUILDER') },
  })
  return stdout
}

/// From its top, as somebody who comes there sees it.
async function seen(page: Page, name: string): Promise<void> {
  await page.evaluate(() => window.scrollTo(0, 0))
  expect(await hindrances(page), name).toEqual([])
  await picture(page, name)
}

test('built, approved in the browser, seen distributed, launched, checked', async ({ page }) => {
  const faults = faultsOf(page)
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await page.setViewportSize({ width: 1180, height: 760 })
  await logIn(page)
  await expect(page.getByText('Nothing waits for approval')).toBeVisible()

  await test.step('a build is watched: it comes by itself, with its steps and what its scripts print', async () => {
    await go(page, '/runs', 'Runs')
    await expect(page.getByText('No such runs')).toBeVisible()
    await hallmark('image', 'build', given('HALLMARK_LIFE_PIPELINE'), '--detach')
    await page.getByRole('link', { name: `build of ${image}` }).click()
    await settled(page, `build of ${image}`)
    await expect(page.getByText('builder/post-update', { exact: true }).first()).toBeVisible()
    const log = page.getByLabel('Log of builder/post-update')
    await expect(log).toContainText('line 1 of the guest')
    // The script waits between its lines, so this one was not printed when the page first asked.
    await expect(log).toContainText('<b>line 2</b>')
    await expect(page.getByText('launch-test', { exact: true })).toBeVisible(boots)
    await seen(page, 'run-light')
  })

  await test.step('it is approved, on a phone', async () => {
    await go(page, '/approvals', 'Approvals')
    await expect(page.getByRole('region', { name: 'Waiting for you' })).toBeVisible(boots)
    await page.getByRole('region', { name: 'Waiting for you' }).getByRole('link').first().click()
    await settled(page, image)
    await expect(page.getByRole('region', { name: 'Your decision' })).toBeVisible()
    await expect(page.getByText('No coverage gaps')).toBeVisible()
    await page.getByText('boots').click()
    await expect(page.getByLabel('Output of test/boots')).toContainText('it is up')
    await seen(page, 'first-approval-light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await seen(page, 'first-approval-dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await expect(page.getByRole('button', { name: 'Approve' })).toBeInViewport()
    await picture(page, 'first-approval-phone')
    await page.getByLabel('Comment').fill('read in the browser; fine')
    await page.getByRole('button', { name: 'Approve' }).click()
    await expect(page.getByText('Approved.')).toBeVisible()
    await page.setViewportSize({ width: 1180, height: 760 })
  })

  await test.step('it is where it should be, and its life is told', async () => {
    await go(page, `/images/${image}`, image)
    const matrix = page.getByRole('region', { name: 'Accounts and regions' })
    await expect(matrix.getByText('available')).toHaveCount(Number(given('HALLMARK_LIFE_PLACES')))
    await expect(page.getByText('read in the browser; fine')).toBeVisible()
    await expect(page.getByRole('main').getByText('active', { exact: true }).first()).toBeVisible()
    await seen(page, 'image-light')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download evidence' }).click(),
    ])
    await download.saveAs(given('HALLMARK_LIFE_BUNDLE'))
  })

  await test.step('it is launched from the catalog', async () => {
    await go(page, '/catalog', 'Catalog')
    await page.getByLabel('Account').fill(given('HALLMARK_LIFE_ACCOUNT'))
    await page.getByLabel('Region').fill(given('HALLMARK_LIFE_REGION'))
    await page.getByRole('button', { name: 'Show' }).click()
    await expect(page.getByRole('heading', { level: 3, name: new RegExp(product) })).toBeVisible()
    await page.getByLabel('Name', { exact: true }).fill('shop')
    await page.getByRole('button', { name: 'Launch' }).click()
    await expect(page.getByText('shop is available')).toBeVisible()
    await seen(page, 'catalog-light')
  })

  await test.step('what runs is judged, and what is not golden comes first', async () => {
    await hallmark('machine', 'launch', '--image', 'base', '--name', 'forgotten', ...given('HALLMARK_LIFE_HOME').split(' '))
    await go(page, '/fleet', 'Fleet')
    await expect(page.getByText('Which machines, and why?')).toBeVisible()
    await page.getByRole('button', { name: 'Check now' }).click()
    const rows = page.getByRole('region', { name: 'Machines' }).getByRole('row')
    await expect(rows.nth(1)).toContainText('forgotten')
    await expect(rows.nth(1)).toContainText('is not in /GoldenAMI/latest')
    await expect(rows.nth(2)).toContainText(image)
    await page.emulateMedia({ colorScheme: 'dark' })
    await seen(page, 'fleet-dark')
    await page.emulateMedia({ colorScheme: 'light' })
  })

  await test.step('what was launched is ended', async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await settled(page, 'Catalog')
    await page.getByLabel('Account').fill(given('HALLMARK_LIFE_ACCOUNT'))
    await page.getByLabel('Region').fill(given('HALLMARK_LIFE_REGION'))
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByRole('button', { name: 'Stop shop…' }).click()
    await page.getByRole('button', { name: 'End shop for good' }).click()
    await expect(page.getByText('Nothing runs from the catalog here')).toBeVisible()
  })

  await test.step('all of it is in the audit log, which holds', async () => {
    await go(page, '/audit', 'Audit')
    await page.getByLabel('Done by').fill(given('HALLMARK_USER'))
    await page.getByRole('button', { name: 'Search' }).click()
    await expect(page.getByRole('region', { name: 'Audit log' }).getByText('decision.approve')).toBeVisible()
    await page.getByRole('button', { name: 'Verify the log' }).click()
    await expect(page.getByText(/The log is intact/)).toBeVisible()
  })
  expect(faults, 'nothing failed, and the policy refused nothing').toEqual([])
})
