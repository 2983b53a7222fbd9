/// Who did what, and whether the log of it still holds.

import { useMemo, useState } from 'react'

import { may } from '../api'
import { Answer, Badge, Empty, Failure, Head, Moment, useShown } from '../parts/basics'
import { useCommand, useRecord } from '../records'
import { useSession } from '../session'
import type { AuditEntry, AuditVerified } from '../types'

function problemText(problem: unknown): string {
  return typeof problem === 'string' ? problem : JSON.stringify(problem)
}

function Verified({ result }: { result: AuditVerified }) {
  if (result.intact) {
    return (
      <div className="notice good" role="status">
        <strong>The log is intact: {result.entries} entries</strong>
        <span>
          None was edited, dropped, moved or cut off. Signed with key <code>{result.key_id}</code>, last digest{' '}
          <code>{result.last_digest}</code>.
        </span>
      </div>
    )
  }
  return (
    <div className="notice bad" role="alert">
      <strong>The log does not hold</strong>
      <ul className="plain-list">
        {result.problems.map((problem, i) => (
          <li key={i}>{problemText(problem)}</li>
        ))}
      </ul>
    </div>
  )
}

function Entries({ entries }: { entries: AuditEntry[] }) {
  const { shown, more } = useShown(entries)
  return (
    <section className="panel" aria-label="Entries">
      <div className="body">
        <div className="scroll" tabIndex={0} role="region" aria-label="Audit log">
          <table>
            <thead>
              <tr>
                <th scope="col" className="number">
                  Entry
                </th>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">Did</th>
                <th scope="col">About</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((entry) => (
                <tr key={entry.sequence}>
                  <td className="number">{entry.sequence}</td>
                  <td>
                    <Moment at={entry.at} />
                  </td>
                  <td>{entry.actor}</td>
                  <td>
                    <Badge>{entry.action}</Badge>
                  </td>
                  <td className="wide">
                    <details>
                      <summary>{entry.subject}</summary>
                      <pre className="log" tabIndex={0} aria-label={`Detail of entry ${entry.sequence}`}>
                        {JSON.stringify({ detail: entry.detail, key_id: entry.key_id, previous: entry.previous }, null, 2)}
                      </pre>
                    </details>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {more}
      </div>
    </section>
  )
}

export default function Audit() {
  const who = useSession()
  const [subject, setSubject] = useState('')
  const [actor, setActor] = useState('')
  const [asked, setAsked] = useState({ subject: '', actor: '' })
  const [text, setText] = useState('')
  const log = useRecord<{ entries: AuditEntry[] }>('audit', 'list', asked)
  const verify = useCommand<AuditVerified>('audit', 'verify')
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    return [...(log.data?.entries ?? [])]
      .sort((a, b) => b.sequence - a.sequence)
      .filter((entry) => !wanted || JSON.stringify(entry).toLowerCase().includes(wanted))
  }, [log.data, text])
  return (
    <>
      <Head
        title="Audit"
        actions={
          may(who, 'operator') && (
            <button type="button" className="button first" disabled={verify.isPending} onClick={() => verify.mutate({})}>
              {verify.isPending ? 'Checking every entry…' : 'Verify the log'}
            </button>
          )
        }
      >
        <p className="soft">Every transition, decision and look at evidence, in a chain of signed entries.</p>
      </Head>
      {verify.error && <Failure problem={verify.error} />}
      {verify.data && <Verified result={verify.data} />}
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          setAsked({ subject: subject.trim(), actor: actor.trim() })
        }}
      >
        <label className="field">
          <span>Subject begins with</span>
          <input className="input" value={subject} placeholder="Web-1.0/Debian-12" onChange={(event) => setSubject(event.target.value)} />
        </label>
        <label className="field">
          <span>Done by</span>
          <input className="input" value={actor} onChange={(event) => setActor(event.target.value)} />
        </label>
        <button className="button">Search</button>
        <label className="field">
          <span>Contains</span>
          <input className="input" type="search" value={text} onChange={(event) => setText(event.target.value)} />
        </label>
      </form>
      <Answer of={log} what="the log">
        {() =>
          rows.length > 0 ? (
            <Entries key={`${asked.subject}/${asked.actor}/${text}`} entries={rows} />
          ) : (
            <section className="panel">
              <Empty title="No such entries" />
            </section>
          )
        }
      </Answer>
    </>
  )
}
