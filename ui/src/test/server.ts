/// A server of records that the program answered with once, for tests of pages: see tests/ui/record_life.cc.

import { vi } from 'vitest'

const files = import.meta.glob<Record<string, unknown>>('../testdata/*.json', { eager: true, import: 'default' })

/// A copy of a record, to be changed at will.
export function record<T = Record<string, unknown>>(name: string): T {
  const found = files[`../testdata/${name}.json`]
  if (!found) throw new Error(`there is no record ${name}`)
  return structuredClone(found) as T
}

export interface Sent {
  method: string
  path: string
  query: URLSearchParams
  headers: Headers
  body: Record<string, unknown>
}
type Answer = unknown | ((sent: Sent) => unknown)

export class Refusal {
  constructor(
    readonly status: number,
    readonly problem: Record<string, unknown>,
  ) {}
}

export const admin = { name: 'ada', csrf: 'token-1', rights: [{ role: 'admin', product: '*' }] }

const waiting = 'Web-1.0/Debian-12/1.2.0'

/// What a server says of that life, by "METHOD noun/verb".
export function answers(): Record<string, Answer> {
  const of = (query: URLSearchParams) => (query.get('ref') === waiting ? 'waiting' : 'active')
  return {
    'GET session': admin,
    'GET sign-in': {},
    'GET image/list': ({ query }: Sent) => {
      const list = record<{ images: { state: string }[] }>('image_list')
      const only = query.getAll('only')
      const gone = ['failed', 'rejected', 'decommissioned']
      return {
        images: list.images.filter(({ state }) =>
          only.length > 0 ? only.includes(state) : query.has('all') || !gone.includes(state),
        ),
      }
    },
    'GET image/show': ({ query }: Sent) => record(`image_show_${of(query)}`),
    'GET image/report': ({ query }: Sent) => record(`image_report_${of(query)}`),
    'GET image/evidence': ({ query }: Sent) => record(`image_evidence_${of(query)}`),
    'GET image/tree': record('image_tree'),
    'GET image/ages': record('image_ages'),
    'GET channel/list': record('channel_list'),
    'GET run/list': ({ query }: Sent) => {
      const only = query.getAll('only')
      const list = record<{ runs: { state: string }[] }>('run_list')
      return { runs: list.runs.filter(({ state }) => only.length === 0 || only.includes(state)) }
    },
    'GET run/show': ({ query }: Sent) => {
      const failed = record<{ run: { run_id: string } }>('run_show_failed')
      return query.get('id') === failed.run.run_id ? failed : record('run_show_waiting')
    },
    'GET run/log': record('run_log_waiting'),
    'GET compliance/show': record('compliance_show'),
    'GET compliance/trend': record('compliance_trend'),
    'POST compliance/check': record('compliance_check'),
    'GET catalog/list': ({ query }: Sent) => record(query.has('launched') ? 'catalog_launched' : 'catalog_list'),
    'POST catalog/launch': record('catalog_launch'),
    'GET audit/list': record('audit_list'),
    'POST audit/verify': record('audit_verify'),
  }
}

interface Operation {
  parameters?: { name?: string; in?: string }[]
  requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown>; required?: string[] } }> }
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>
}
/// Not there where the page is alone.
const described = Object.values(
  import.meta.glob<OpenApi>('../../../docs/openapi.json', { eager: true, import: 'default' }),
)[0]

/// Throws if the API has no such route, or if it takes no such parameter.
function check({ method, path, query, body }: Sent): void {
  if (!described || path === 'session') return
  const operation = described.paths[`/api/v1/${path}`]?.[method.toLowerCase()]
  if (!operation) throw new Error(`the API has no ${method} ${path}`)
  const schema = operation.requestBody?.content['application/json']?.schema
  const known = method === 'GET' ? (operation.parameters ?? []).map(({ name }) => name) : Object.keys(schema?.properties ?? {})
  const given = method === 'GET' ? [...query.keys()] : Object.keys(body)
  const unknown = given.filter((name) => !known.includes(name))
  const missing = (schema?.required ?? []).filter((name) => !given.includes(name))
  if (unknown.length + missing.length > 0) {
    throw new Error(`${method} ${path}: unknown: ${unknown.join(', ')}; missing: ${missing.join(', ')}`)
  }
}
const wrong: string[] = []
/// What the page sent since the last call that docs/openapi.json does not know.
export function wronglySent(): string[] {
  return wrong.splice(0)
}

/// Answers every fetch from now on; gives the list of what was sent.
export function serve(changed: Record<string, Answer> = {}): Sent[] {
  const all = { ...answers(), ...changed }
  const sent: Sent[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const url = new URL(String(input), 'http://server')
    const method = init?.method ?? 'GET'
    const path = url.pathname.replace('/api/v1/', '')
    const body = init?.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {}
    const one: Sent = { method, path, query: url.searchParams, headers: new Headers(init?.headers), body }
    sent.push(one)
    try {
      check(one)
    } catch (error) {
      wrong.push(String(error))
    }
    const answer = all[`${method} ${path}`]
    const made = await (typeof answer === 'function' ? (answer as (sent: Sent) => unknown)(one) : answer)
    if (made === undefined) return json(404, { kind: 'not_found', detail: `there is nothing at ${path}`, status: 404 })
    if (made instanceof Response) return made
    if (made instanceof Refusal) return json(made.status, made.problem)
    return json(200, made)
  })
  return sent
}

function json(status: number, body: unknown): Response {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type } })
}
