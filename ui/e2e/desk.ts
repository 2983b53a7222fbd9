/// What all tests in a browser do: log in, go somewhere, look for faults.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { expect, type Page } from '@playwright/test'

const user = process.env.HALLMARK_USER ?? 'ada'
const password = process.env.HALLMARK_PASSWORD ?? 'golden'
const pictures = process.env.HALLMARK_PICTURES
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Axe {
  axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
}

/// What went wrong in the page since the list was made: exceptions, and what its policy refused.
export function faultsOf(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    // Chromium says of each refused request that it was refused; the page itself shows why.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  return faults
}

export async function logIn(page: Page): Promise<void> {
  // Not as a script of the page: its policy refuses those, as it should.
  await page.addInitScript({ content: axe })
  await page.goto('/')
  await page.getByLabel('Name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await settled(page, 'Approvals')
}

/// The page of that heading is there, with all that it asked for.
export async function settled(page: Page, heading: string | RegExp): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible()
  await expect(page.getByText(/^Loading /)).toHaveCount(0)
}

export async function go(page: Page, hash: string, heading: string | RegExp): Promise<void> {
  await page.goto(`/#${hash}`)
  await settled(page, heading)
}

/// What keeps people from reading or using the page, as axe sees it.
export async function hindrances(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const result = await (window as unknown as Axe).axe.run()
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 100)).join(' | ')}`)
  })
}

/// Kept only where somebody asked for pictures.
export async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `ui-${name}.png`) })
}
