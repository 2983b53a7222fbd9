import { screen, within } from '@testing-library/react'
import { beforeEach, describe, expect, test, vi } from 'vitest'

import type { Compliance, Image, Report } from '../types'
import { hindrances, settled, show } from './show'
import { admin, record, Refusal, serve } from './server'

const paths = [
  '/approvals',
  '/approvals/Web-1.0/Debian-12/1.2.0',
  '/images',
  '/images/Web-1.0/Debian-12/1.1.0',
  '/runs',
  `/runs/${record<{ run: { run_id: string } }>('run_show_waiting').run.run_id}`,
  `/runs/${record<{ run: { run_id: string } }>('run_show_failed').run.run_id}`,
  '/fleet',
  '/catalog',
  '/audit',
]

beforeEach(() => {
  vi.spyOn(window, 'scrollTo').mockImplementation(() => {})
})

describe('every page', () => {
  test.each(paths)('%s shows records and hinders nobody', async (path) => {
    serve()
    await show(path)
    expect(screen.getByRole('heading', { level: 1 })).toBeTruthy()
    expect(screen.queryByRole('alert')).toBeNull()
    expect(await hindrances()).toEqual([])
  })

  test.each(paths)('%s says what is wrong when the server refuses', async (path) => {
    const refusal = new Refusal(403, { kind: 'denied', status: 403, detail: 'ada may not look', hint: 'ask an admin' })
    serve(Object.fromEntries(
      ['image/list', 'image/show', 'image/tree', 'image/ages', 'run/list', 'run/show', 'compliance/show', 'compliance/trend', 'catalog/list', 'audit/list']
        .map((route) => [`GET ${route}`, refusal]),
    ))
    await show(path)
    const alert = screen.getAllByRole('alert')[0]
    expect(alert.textContent).toContain('ada may not look')
    expect(alert.textContent).toContain('ask an admin')
    expect(within(alert).getByRole('button', { name: 'Try again' })).toBeTruthy()
    expect(await hindrances()).toEqual([])
  })

  test.each([
    ['/approvals', 'Nothing waits for approval'],
    ['/images', 'No images yet'],
    ['/runs', 'No such runs'],
    ['/fleet', 'Nothing was checked yet'],
    ['/catalog', 'Nothing is offered to you here'],
    ['/audit', 'No such entries'],
    ['/nowhere', 'There is no such page'],
  ])('%s with nothing in it says "%s"', async (path, said) => {
    serve({
      'GET image/list': { images: [] },
      'GET image/tree': { images: [] },
      'GET image/ages': { all: {}, products: [] },
      'GET run/list': { runs: [] },
      'GET channel/list': { channels: [] },
      'GET compliance/show': { ...record<Compliance>('compliance_show'), checked_at: null, places: [], machines: [] },
      'GET compliance/trend': { days: [] },
      'GET catalog/list': { products: [], launched: [], principal: 'p', account_id: '1', region: 'r' },
      'GET audit/list': { entries: [] },
    })
    await show(path)
    expect(screen.getByText(said)).toBeTruthy()
    expect(await hindrances()).toEqual([])
  })
})

const hostile = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>'"&\u202e`

/// Each text of a record that people or scanners chose becomes hostile; what the page reads stays.
function poison<T>(json: T, keep: RegExp): T {
  if (Array.isArray(json)) return json.map((each) => poison<unknown>(each, keep)) as T
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      if (typeof value === 'string') return [key, keep.test(key) ? value : hostile]
      if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return [key, value.map(() => hostile)]
      return [key, poison<unknown>(value, keep)]
    }),
  ) as T
}

describe('hostile text', () => {
  test.each(paths)('%s shows it as text', async (path) => {
    const keep = /_at$|^at$|_since$|^day$|state$|severity|completeness|verdict|evidence_digest|run_id|image_key|^product$|^os$|^version$|^name$|key_id/
    const poisoned = (name: string) => poison(record(name), keep)
    const of = (query: URLSearchParams) => (query.get('ref')?.endsWith('1.2.0') ? 'waiting' : 'active')
    serve({
      'GET image/list': poisoned('image_list'),
      'GET image/show': ({ query }: { query: URLSearchParams }) => poisoned(`image_show_${of(query)}`),
      'GET image/report': ({ query }: { query: URLSearchParams }) => poisoned(`image_report_${of(query)}`),
      'GET image/tree': poison(record('image_tree'), /^kind$|state$|_at$/),
      'GET run/list': poisoned('run_list'),
      'GET run/show': poisoned('run_show_waiting'),
      'GET run/log': poison(record('run_log_waiting'), /run_id/),
      'GET catalog/list': ({ query }: { query: URLSearchParams }) =>
        poison(record(query.has('launched') ? 'catalog_launched' : 'catalog_list'), /state$|_at$/),
      'GET audit/list': poison(record('audit_list'), /^at$/),
      'GET compliance/show': poisoned('compliance_show'),
    })
    await show(path)
    expect(document.querySelector('#root img, main img, main script')).toBeNull()
    expect((window as { owned?: number }).owned).toBeUndefined()
    expect(document.body.textContent).toContain('<script>window.owned=1</script>')
  })
})

describe('approvals', () => {
  test('what I requested is not mine to decide', async () => {
    serve({ 'GET session': { ...admin, name: 'grace' } })
    await show('/approvals')
    expect(screen.getByRole('heading', { name: 'Waiting for you (0)' })).toBeTruthy()
    expect(screen.getByRole('heading', { name: 'Waiting for others (1)' })).toBeTruthy()
  })

  test('the candidate is compared with the golden version', async () => {
    serve()
    await show('/approvals/Web-1.0/Debian-12/1.2.0')
    const report = record<{ report: Report }>('image_report_waiting').report
    const chart = screen.getByRole('img', { name: /^Findings against Web-1.0\/Debian-12\/1.1.0/ })
    expect(chart.getAttribute('aria-label')).toContain('high: 1 new, 0 fixed, 0 unchanged')
    expect(chart.getAttribute('aria-label')).toContain('medium: 0 new, 2 fixed, 1 unchanged')
    expect(screen.getByText(/▲ 2.5 from 91.5/)).toBeTruthy()
    expect(screen.getByText(report.rules.warnings[1])).toBeTruthy()
    expect(screen.getAllByText(report.evidence_digest).length).toBeGreaterThan(0)
    expect(screen.getByLabelText('Output of test/hardened').textContent).toContain('# hardened')
  })

  test('who is no approver may look only', async () => {
    serve({ 'GET session': { name: 'vic', csrf: '', rights: [{ role: 'viewer', product: '*' }] } })
    await show('/approvals/Web-1.0/Debian-12/1.2.0')
    expect(screen.queryByRole('button', { name: 'Approve' })).toBeNull()
    expect(screen.getByText(/may look, but not decide/)).toBeTruthy()
  })

  test('an image that waits no more is not decided on', async () => {
    const shown = record<{ image: Image }>('image_show_waiting')
    shown.image.state = 'rejected'
    serve({ 'GET image/show': shown })
    await show('/approvals/Web-1.0/Debian-12/1.2.0')
    expect(screen.queryByRole('button', { name: 'Approve' })).toBeNull()
    expect(screen.getByText(/Nothing is to be decided/)).toBeTruthy()
  })
})

test('who is not logged in gets the login page', async () => {
  serve({ 'GET session': new Refusal(401, { kind: 'denied', detail: 'who is asking?' }) })
  await show('/approvals')
  expect(screen.getByLabelText('Password')).toBeTruthy()
  expect(screen.queryByText(/Sign in with/)).toBeNull()
  expect(await hindrances()).toEqual([])
  await settled()
})

test('where the server knows a provider, one can sign in with it', async () => {
  serve({
    'GET session': new Refusal(401, { kind: 'denied', detail: 'who is asking?' }),
    'GET sign-in': { name: 'Example' },
  })
  await show('/approvals')
  const link = await screen.findByRole('link', { name: 'Sign in with Example' })
  expect(link.getAttribute('href')).toBe('/api/v1/sign-in/begin')
  expect(await hindrances()).toEqual([])
  await settled()
})
