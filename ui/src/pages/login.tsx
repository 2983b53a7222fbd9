import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

import { logIn, type Problem, type Session, signInPlace, signInProvider } from '../api'
import { Mark, ThemeChoice } from '../frame'
import { Failure } from '../parts/basics'

export function Login({ onDone }: { onDone: (session: Session) => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const login = useMutation<Session, Problem>({ mutationFn: () => logIn(name, password), onSuccess: onDone })
  const provider = useQuery({ queryKey: ['sign-in'], queryFn: ({ signal }) => signInProvider(signal), retry: false })
  useEffect(() => {
    document.title = 'Log in · Hallmark'
  }, [])
  return (
    <main className="login">
      <form
        className="panel"
        onSubmit={(event) => {
          event.preventDefault()
          login.mutate()
        }}
      >
        <div className="brand">
          <Mark />
          <h1>Hallmark</h1>
        </div>
        {login.error && <Failure problem={login.error} />}
        <label className="field">
          <span>Name</span>
          <input
            className="input"
            value={name}
            autoComplete="username"
            autoCapitalize="none"
            autoFocus
            required
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <label className="field">
          <span>Password</span>
          <input
            className="input"
            type="password"
            value={password}
            autoComplete="current-password"
            required
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        <button className="button first" disabled={login.isPending}>
          {login.isPending ? 'Logging in…' : 'Log in'}
        </button>
        {provider.data?.name && (
          <a className="button" href={signInPlace}>
            Sign in with {provider.data.name}
          </a>
        )}
        <ThemeChoice />
      </form>
    </main>
  )
}
