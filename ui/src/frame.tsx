/// What is around every page: where to go, who is here, light and dark.

import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useLocation } from 'wouter'

import { logOut } from './api'
import { useLive } from './live'
import { Failure } from './parts/basics'
import { useRecord } from './records'
import { useSession } from './session'
import { setTheme, theme, type Theme } from './theme'
import type { Image } from './types'

const places = [
  { path: '/approvals', name: 'Approvals', key: 'a' },
  { path: '/images', name: 'Images', key: 'i' },
  { path: '/runs', name: 'Runs', key: 'r' },
  { path: '/fleet', name: 'Fleet', key: 'f' },
  { path: '/catalog', name: 'Catalog', key: 'c' },
  { path: '/audit', name: 'Audit', key: 'u' },
]

/// "g", then a letter, goes to a page, as in other tools of this kind; "/" goes to the page's search.
function useKeys(go: (path: string) => void) {
  const went = useRef(0)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, textarea, select')) return
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('input[type=search]')
        if (search) event.preventDefault()
        search?.focus()
      } else if (event.key === 'g') {
        went.current = event.timeStamp
      } else if (event.timeStamp - went.current < 1500) {
        went.current = 0
        const place = places.find(({ key }) => key === event.key)
        if (place) go(place.path)
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [go])
}

export function ThemeChoice() {
  const [chosen, setChosen] = useState<Theme>(theme)
  useEffect(() => setTheme(chosen), [chosen])
  return (
    <label>
      <span className="hidden">Colours</span>
      <select className="input" value={chosen} onChange={(event) => setChosen(event.target.value as Theme)}>
        <option value="system">As the system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  )
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path d="M8 2h16l6 6v16l-6 6H8l-6-6V8z" fill="#b8912f" />
      <path d="M11 9v14M21 9v14M11 16h10" stroke="#fff" strokeWidth="3" fill="none" strokeLinecap="round" />
    </svg>
  )
}

export function Frame({ children }: { children: ReactNode }) {
  const who = useSession()
  const client = useQueryClient()
  const [location, go] = useLocation()
  const live = useLive()
  const waiting = useRecord<{ images: Image[] }>('image', 'list', { only: ['awaiting_approval'] })
  const main = useRef<HTMLElement>(null)
  const before = useRef(location)
  useKeys(go)
  useEffect(() => {
    // Who reads by ear is to hear that the page is another one; who just came is not moved.
    if (before.current !== location) main.current?.focus({ preventScroll: true })
    before.current = location
    window.scrollTo?.(0, 0)
  }, [location])
  const count = waiting.data?.images.length ?? 0
  return (
    <div className="frame">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        To the page's content
      </a>
      <header className="side">
        <a className="brand" href="#/approvals">
          <Mark />
          Hallmark
        </a>
        <nav aria-label="Pages">
          <ul className="nav">
            {places.map(({ path, name, key }) => (
              <li key={path}>
                <a
                  href={`#${path}`}
                  aria-current={location === path || location.startsWith(`${path}/`) ? 'page' : undefined}
                  aria-keyshortcuts={`g ${key}`}
                  title={`g ${key}`}
                >
                  {name}
                  {path === '/approvals' && count > 0 && (
                    <span className="count">
                      {count}
                      <span className="hidden"> waiting</span>
                    </span>
                  )}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div className="side-foot">
          <span className={live ? 'live on' : 'live'} role="status">
            {live ? 'Live' : 'Not live'}
          </span>
          <ThemeChoice />
          <span>{who.name}</span>
          <button
            type="button"
            className="button"
            onClick={() => {
              void logOut().finally(() => {
                client.setQueryData(['session'], null)
                // Whoever comes next is to see nothing of what was here.
                client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
              })
            }}
          >
            Log out
          </button>
        </div>
      </header>
      <main className="page" id="main" ref={main} tabIndex={-1}>
        {waiting.error?.status === 0 && <Failure problem={waiting.error} again={() => void client.invalidateQueries()} />}
        {children}
      </main>
    </div>
  )
}
