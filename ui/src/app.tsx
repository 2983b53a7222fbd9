/// Who is here, and which page they look at. Pages come when they are first wanted.

import { QueryClient, QueryClientProvider, useQuery, useQueryClient } from '@tanstack/react-query'
import { Component, lazy, Suspense, useEffect, useState, type ReactNode } from 'react'
import { Redirect, Route, Router, Switch } from 'wouter'
import { useHashLocation } from 'wouter/use-hash-location'

import { onExpired, Problem, session, type Session } from './api'
import { Frame } from './frame'
import { Login } from './pages/login'
import { Empty, Failure, Loading } from './parts/basics'
import { worthRetrying } from './records'
import { SessionContext } from './session'

const Approvals = lazy(() => import('./pages/approvals'))
const Approval = lazy(() => import('./pages/approval'))
const Images = lazy(() => import('./pages/images'))
const Image = lazy(() => import('./pages/image'))
const Runs = lazy(() => import('./pages/runs'))
const Run = lazy(() => import('./pages/run'))
const Fleet = lazy(() => import('./pages/fleet'))
const Catalog = lazy(() => import('./pages/catalog'))
const Audit = lazy(() => import('./pages/audit'))

/// A defect of a page is said, not a blank screen.
class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  state = { error: null as Error | null }
  static getDerivedStateFromError(error: Error) {
    return { error }
  }
  render() {
    const { error } = this.state
    if (!error) return this.props.children
    const problem = new Problem(0, 'internal', `this page failed: ${error.message}`, 'load it anew; the command line still works')
    return <Failure problem={problem} again={() => window.location.reload()} />
  }
}

export function Pages() {
  return (
    <Suspense fallback={<Loading what="the page" />}>
      <Switch>
        <Route path="/approvals" component={Approvals} />
        <Route path="/approvals/:product/:os/:version">{(p) => <Approval reference={`${p.product}/${p.os}/${p.version}`} />}</Route>
        <Route path="/images" component={Images} />
        <Route path="/images/:product/:os/:version">{(p) => <Image reference={`${p.product}/${p.os}/${p.version}`} />}</Route>
        <Route path="/runs" component={Runs} />
        <Route path="/runs/:id">{(p) => <Run id={p.id} />}</Route>
        <Route path="/fleet" component={Fleet} />
        <Route path="/catalog" component={Catalog} />
        <Route path="/audit" component={Audit} />
        <Route path="/">
          <Redirect to="/approvals" replace />
        </Route>
        <Route>
          <Empty title="There is no such page">
            <a href="#/approvals">To what waits for approval</a>
          </Empty>
        </Route>
      </Switch>
    </Suspense>
  )
}

function Door() {
  const client = useQueryClient()
  const who = useQuery<Session | null, Problem>({ queryKey: ['session'], queryFn: session, staleTime: Infinity })
  useEffect(() => onExpired(() => client.setQueryData(['session'], null)), [client])
  if (who.data === undefined) {
    return (
      <main className="page">{who.error ? <Failure problem={who.error} again={() => who.refetch()} /> : <Loading what="who you are" />}</main>
    )
  }
  if (who.data === null) return <Login onDone={(made) => client.setQueryData(['session'], made)} />
  return (
    <SessionContext.Provider value={who.data}>
      <Frame>
        <Guard>
          <Pages />
        </Guard>
      </Frame>
    </SessionContext.Provider>
  )
}

export function newClient(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { retry: worthRetrying, staleTime: 5_000 } } })
}

export function App({ client }: { client?: QueryClient }) {
  const [own] = useState(() => client ?? newClient())
  return (
    <QueryClientProvider client={own}>
      <Router hook={useHashLocation}>
        <Door />
      </Router>
    </QueryClientProvider>
  )
}
