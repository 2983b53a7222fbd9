/// The small parts that every page is made of. What comes from outside is only ever a text node.

import { useEffect, useState, type ReactNode } from 'react'

import type { Problem } from '../api'
import { moment, relative } from '../time'
import type { Severity } from '../types'

export type Tone = 'good' | 'bad' | 'warn' | 'info' | ''

const tones: Record<string, Tone> = {
  active: 'good',
  succeeded: 'good',
  available: 'good',
  complete: 'good',
  compliant: 'good',
  pass: 'good',
  passed: 'good',
  awaiting_approval: 'warn',
  waiting: 'warn',
  superseded: 'warn',
  review: 'warn',
  partial: 'warn',
  deprecated: 'warn',
  derived: 'warn',
  failed: 'bad',
  rejected: 'bad',
  'non-compliant': 'bad',
  fail: 'bad',
  inconclusive: 'bad',
  error: 'bad',
  building: 'info',
  running: 'info',
  pending: 'info',
  distributing: 'info',
  waived: 'info',
  exempt: 'info',
}

export function toneOf(state: string): Tone {
  return tones[state] ?? ''
}

export function Badge({ children, tone }: { children: string; tone?: Tone }) {
  return <span className={`badge ${tone ?? toneOf(children)}`}>{children.replaceAll('_', ' ')}</span>
}

export function SeverityName({ of }: { of: Severity }) {
  return <span className={`severity ${of}`}>{of}</span>
}

/// The time now, anew every so often.
export function useNow(seconds = 30): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000)
    return () => clearInterval(timer)
  }, [seconds])
  return now
}

export function Time({ at }: { at: string }) {
  const now = useNow()
  return (
    <time dateTime={at} title={at}>
      {relative(at, now)}
    </time>
  )
}

export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at}>
      {moment(at)}
    </time>
  )
}

export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      <div className="body">{children}</div>
    </section>
  )
}

export function Head({ title, children, actions }: { title: string; children?: ReactNode; actions?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Hallmark`
  }, [title])
  return (
    <div className="head">
      <div>
        <h1>{title}</h1>
        {children}
      </div>
      {actions && <div className="row">{actions}</div>}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <svg viewBox="0 0 40 40" aria-hidden="true">
        <path d="M10 4h20l6 6v20l-6 6H10l-6-6V10z" />
        <path d="M14 20h12" />
      </svg>
      <h2>{title}</h2>
      {children && <div>{children}</div>}
    </div>
  )
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="bones" role="status">
      <span className="hidden">Loading {what}</span>
      {Array.from({ length: 6 }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  )
}

/// An error with what can be done about it.
export function Failure({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <strong>{problem.message}</strong>
      {problem.notes?.map((note, i) => <span key={i}>{note}</span>)}
      {problem.hint && <span>{problem.hint}</span>}
      {again && (
        <div>
          <button type="button" className="button" onClick={again}>
            Try again
          </button>
        </div>
      )}
    </div>
  )
}

interface Asked<T> {
  data: T | undefined
  error: Problem | null
  refetch: () => unknown
}

/// Loading, error or the record. What was there before an error stays, with the error above it.
export function Answer<T>({ of, what, children }: { of: Asked<T>; what: string; children: (data: T) => ReactNode }) {
  if (of.data === undefined) {
    return of.error ? <Failure problem={of.error} again={() => of.refetch()} /> : <Loading what={what} />
  }
  return (
    <>
      {of.error && <Failure problem={of.error} again={() => of.refetch()} />}
      {children(of.data)}
    </>
  )
}

/// One of several, pressed.
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: T
  options: { value: T; text: string; count?: number }[]
  onChange: (value: T) => void
}) {
  return (
    <div className="tabs" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.text}
          {option.count !== undefined && ` ${option.count}`}
        </button>
      ))}
    </div>
  )
}

export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {rows
        .filter(([, value]) => value !== '' && value !== null && value !== undefined)
        .map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/// Rows by pages: nobody reads ten thousand, and no browser likes to lay them out.
export function useShown<T>(rows: T[], step = 100): { shown: T[]; more: ReactNode } {
  const [count, setCount] = useState(step)
  const left = rows.length - count
  return {
    shown: rows.slice(0, count),
    more:
      left > 0 ? (
        <div>
          <button type="button" className="button" onClick={() => setCount(count + step)}>
            Show {Math.min(step, left)} more of {left}
          </button>
        </div>
      ) : null,
  }
}
