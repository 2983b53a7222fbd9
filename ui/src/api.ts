/// All that the page knows of the API: how a command is a route, how errors come back, who is logged in,
/// how long-running commands tell of themselves, and where live news come from.

const root = '/api/v1'

/// What was answered instead of a record: problem+json, or that nobody answered at all.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    readonly hint: string = '',
    readonly notes: string[] = [],
  ) {
    super(message)
    this.name = 'Problem'
  }
}

export type Value = string | number | boolean | string[] | undefined
export type Values = Record<string, Value>

export interface Right {
  role: string
  product: string
}

export interface Session {
  name: string
  rights: Right[]
  csrf: string
}

let csrf = ''
/// Called when the server no longer knows who we are.
let expired: () => void = () => {}
export function onExpired(call: () => void): void {
  expired = call
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null)
  return problemFrom(body, response.status)
}

function problemFrom(body: unknown, status: number): Problem {
  const json = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const detail = text(json.detail) || text(json.message) || text(json.title) || `the server answered with status ${status}`
  const notes = Array.isArray(json.notes) ? json.notes.map(text).filter(Boolean) : []
  return new Problem(typeof json.status === 'number' ? json.status : status, text(json.kind), detail, text(json.hint), notes)
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(root + path, { credentials: 'same-origin', cache: 'no-store', ...init })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Problem(0, 'unreachable', 'the server cannot be reached', 'check the network, or whether the server runs')
  }
  if (!response.ok) {
    const problem = await problemOf(response)
    if (response.status === 401 && path !== '/session') expired()
    throw problem
  }
  return response
}

function query(values: Values): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === '' || value === false) continue
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  }
  const all = search.toString()
  return all && `?${all}`
}

/// As many rows of a list as the server answers at once.
const longestPage = 1000

/// The record of a command that only looks. Of a list, which comes by pages, all of it.
export async function read<T>(noun: string, verb: string, values: Values = {}, signal?: AbortSignal): Promise<T> {
  const record = await readPage<Record<string, unknown>>(noun, verb, values, signal)
  for (let next = record.next; typeof next === 'string' && !values.limit; ) {
    const page = await readPage<Record<string, unknown>>(noun, verb, { ...values, limit: longestPage, after: next }, signal)
    for (const [name, rows] of Object.entries(page)) {
      if (Array.isArray(rows)) record[name] = [...(record[name] as unknown[]), ...(rows as unknown[])]
    }
    next = page.next
  }
  return record as T
}

async function readPage<T>(noun: string, verb: string, values: Values, signal?: AbortSignal): Promise<T> {
  const response = await send(`/${noun}/${verb}${query(values)}`, {
    headers: { Accept: 'application/json' },
    signal,
  })
  return (await response.json()) as T
}

/// A line of progress of a command that takes long: {"type": "step", ..}.
export type Progress = Record<string, unknown>

/// The record of a command that changes something. Sent once: the server keeps its answer under the key.
export async function write<T>(
  noun: string,
  verb: string,
  values: Values = {},
  onProgress?: (line: Progress) => void,
): Promise<T> {
  const response = await send(`/${noun}/${verb}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: onProgress ? 'text/event-stream, application/json' : 'application/json',
      'Idempotency-Key': newKey(),
      'X-CSRF-Token': csrf,
    },
    body: JSON.stringify(values),
  })
  if (onProgress && response.body && response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return readStream<T>(response.body, onProgress)
  }
  return (await response.json()) as T
}

/// crypto.randomUUID is for secure contexts only, and a server on a laptop has none.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/// One event of a stream: "event: NAME", "data: JSON".
export function parseEvent(block: string): { name: string; data: string } {
  let name = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim()
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart())
  }
  return { name, data: data.join('\n') }
}

async function readStream<T>(body: ReadableStream<Uint8Array>, onProgress: (line: Progress) => void): Promise<T> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    rest += (value ?? '').replaceAll('\r\n', '\n')
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = parseEvent(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (!event.data) continue
      const json: unknown = JSON.parse(event.data)
      if (event.name === 'error') throw problemFrom(json, 500)
      if (event.name === 'result') return (json as { record: T }).record
      onProgress(json as Progress)
    }
    if (done) throw new Problem(0, 'unreachable', 'the connection ended before the answer came', 'see the run: it goes on at the server')
  }
}

interface SentSession {
  name: string
  csrf?: string
  csrf_token?: string
  rights?: Right[]
  roles?: (string | Right)[]
}

function keepSession(sent: SentSession): Session {
  csrf = sent.csrf ?? sent.csrf_token ?? ''
  const given: (string | Right)[] = sent.rights ?? sent.roles ?? []
  const rights = given.map((right) => {
    if (typeof right !== 'string') return right
    const [role, product = '*'] = right.split(':')
    return { role, product }
  })
  return { name: sent.name, rights, csrf }
}

/// Who is logged in; null: nobody.
export async function session(): Promise<Session | null> {
  try {
    return keepSession((await (await send('/session', {})).json()) as SentSession)
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null
    throw error
  }
}

/// Where a browser goes to sign in with the provider of `signInProvider`.
export const signInPlace = `${root}/sign-in/begin`

/// The name of the OpenID provider, if the server knows one.
export async function signInProvider(signal?: AbortSignal): Promise<{ name?: string }> {
  return (await (await send('/sign-in', { signal })).json()) as { name?: string }
}

export async function logIn(name: string, password: string): Promise<Session> {
  const response = await send('/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, password }),
  })
  return keepSession((await response.json()) as SentSession)
}

export async function logOut(): Promise<void> {
  await send('/session', { method: 'DELETE', headers: { 'X-CSRF-Token': csrf } })
  csrf = ''
}

/// Whether somebody may do what takes the role, for a product or at all. The server decides; this is for
/// not offering what it would refuse.
export function may(who: Session, role: string, product?: string): boolean {
  return who.rights.some(
    (right) =>
      (right.role === 'admin' || right.role === role || role === 'viewer') &&
      (product === undefined || fits(right.product, product)),
  )
}

function fits(pattern: string, name: string): boolean {
  const plain = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${plain}$`).test(name)
}

export interface News {
  type: 'run' | 'step' | 'progress' | 'log' | 'reset'
  data: Record<string, unknown>
}

/// Live news of runs until the returned function is called. `onState` hears whether they are coming.
export function listen(onNews: (news: News) => void, onState: (live: boolean) => void): () => void {
  const source = new EventSource(`${root}/events`)
  source.onopen = () => onState(true)
  source.onerror = () => onState(false)
  for (const type of ['run', 'step', 'progress', 'log', 'reset'] as const) {
    source.addEventListener(type, (event) => {
      onNews({ type, data: JSON.parse((event as MessageEvent<string>).data) as Record<string, unknown> })
    })
  }
  return () => source.close()
}
