import { QueryClient } from '@tanstack/react-query'
import { render, screen, waitForElementToBeRemoved } from '@testing-library/react'
import axe from 'axe-core'

import { App } from '../app'

/// The whole page at a path, once nothing loads any more.
export async function show(path: string): Promise<void> {
  window.location.hash = path
  render(<App client={new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } })} />)
  await settled()
}

export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 0))
    if (screen.queryByText(/^Loading /)) {
      await waitForElementToBeRemoved(() => screen.queryAllByText(/^Loading /), { timeout: 5000 })
    }
  }
}

/// What is hard to use for somebody, as axe sees it. Colours are for a real browser to judge.
export async function hindrances(): Promise<string[]> {
  const result = await axe.run(document, {
    rules: { 'color-contrast': { enabled: false }, 'document-title': { enabled: true } },
    resultTypes: ['violations'],
  })
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`)
}
