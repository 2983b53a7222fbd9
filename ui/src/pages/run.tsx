/// One run, live: its steps, what its scripts print, why it waits, and what can be done about it.

import { useCallback, useEffect, useRef, useState } from 'react'

import { may } from '../api'
import { useNews } from '../live'
import { Answer, Badge, Choice, Empty, Facts, Failure, Head, Moment, Panel, Time, toneOf } from '../parts/basics'
import type { Logs } from '../parts/test_log'
import { useCommand, useRecord } from '../records'
import { useSession } from '../session'
import { duration } from '../time'
import type { Run as RunRecord, RunShown, Step } from '../types'

/// A browser that lays out more than this per log gets slow; the rest is in the file.
const mostLog = 200_000

function Steps({ steps, progress }: { steps: Step[]; progress: Record<string, string> }) {
  if (steps.length === 0) return <Empty title="No steps yet" />
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={step.key}>
          <span className={`dot ${toneOf(step.state)}`} aria-hidden="true" />
          <span>
            <code>{step.key}</code> {step.state !== 'succeeded' && <Badge>{step.state}</Badge>}
            <span className="hidden">{step.state}</span>
            {step.attempts > 1 && <span className="soft small"> attempt {step.attempts}</span>}
          </span>
          <span className="soft small">
            {step.elapsed_ms !== null ? duration(step.elapsed_ms / 1000) : <Time at={step.started_at} />}
          </span>
          {step.state === 'waiting' && step.deadline && (
            <span className="note soft">
              until <Moment at={step.deadline} />
            </span>
          )}
          {step.state === 'running' && progress[step.key] && <span className="note soft">{progress[step.key]}</span>}
          {step.error && <span className="note">{step.error.message}</span>}
        </li>
      ))}
    </ol>
  )
}

function LogView({ logs }: { logs: Record<string, string> }) {
  const keys = Object.keys(logs)
  const [chosen, setChosen] = useState('')
  const [follow, setFollow] = useState(true)
  const end = useRef<HTMLPreElement>(null)
  const key = keys.includes(chosen) ? chosen : (keys[keys.length - 1] ?? '')
  const text = logs[key] ?? ''
  useEffect(() => {
    if (follow && end.current) end.current.scrollTop = end.current.scrollHeight
  }, [text, follow])
  if (keys.length === 0) return <Empty title="Nothing was printed yet" />
  return (
    <div className="stack">
      <div className="filters">
        <label className="field">
          <span>Of step</span>
          <select className="input" value={key} onChange={(event) => setChosen(event.target.value)}>
            {keys.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label className="row">
          <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.target.checked)} /> Follow
        </label>
      </div>
      <pre className="log" ref={end} tabIndex={0} aria-label={`Log of ${key}`}>
        {text.length > mostLog ? `… ${text.length - mostLog} characters before\n${text.slice(-mostLog)}` : text}
      </pre>
    </div>
  )
}

function Actions({ run }: { run: RunRecord }) {
  const who = useSession()
  const [sure, setSure] = useState(false)
  const cancel = useCommand('run', 'cancel', () => {})
  const resume = useCommand('run', 'resume', () => {})
  const retry = useCommand('run', 'retry', () => {})
  if (!may(who, 'operator', run.subject.split('/')[0])) return null
  const ended = run.ended_at !== null
  const problem = cancel.error ?? resume.error ?? retry.error
  return (
    <>
      {ended && run.state !== 'succeeded' && (
        <button type="button" className="button first" disabled={retry.isPending} onClick={() => retry.mutate({ id: run.run_id })}>
          Retry
        </button>
      )}
      {!ended && run.state !== 'running' && (
        <button type="button" className="button" disabled={resume.isPending} onClick={() => resume.mutate({ id: run.run_id })}>
          Resume
        </button>
      )}
      {!ended && !run.cancel_requested && !sure && (
        <button type="button" className="button bad" onClick={() => setSure(true)}>
          Cancel…
        </button>
      )}
      {sure && !run.cancel_requested && !ended && (
        <>
          <button type="button" className="button bad" disabled={cancel.isPending} onClick={() => cancel.mutate({ id: run.run_id })}>
            Stop it for good and clean up
          </button>
          <button type="button" className="button" onClick={() => setSure(false)}>
            Keep it
          </button>
        </>
      )}
      {problem && <Failure problem={problem} />}
    </>
  )
}

/// Sentences of the program, without its advice for the command line.
function Why({ lines }: { lines: string[] }) {
  return (
    <ul className="plain-list">
      {lines.map((line, i) => (
        <li key={i}>{line.replace(/ (Go on|Look on) with: .*$/, '')}</li>
      ))}
    </ul>
  )
}

function Page({ shown, id }: { shown: RunShown; id: string }) {
  const { run, steps } = shown
  const kept = useRecord<Logs>('run', 'log', { id })
  const [fresh, setFresh] = useState<Record<string, string>>({})
  const [progress, setProgress] = useState<Record<string, string>>({})
  const [failedOnly, setFailedOnly] = useState<'all' | 'open'>('all')
  // What is asked for anew holds all that came before.
  useEffect(() => setFresh({}), [kept.data])
  useNews(
    useCallback(
      ({ type, data }) => {
        if (data.run_id !== run.run_id) return
        const key = String(data.key ?? '')
        const text = String(data.text ?? '')
        if (type === 'log') setFresh((before) => ({ ...before, [key]: (before[key] ?? '') + text }))
        if (type === 'progress') setProgress((before) => ({ ...before, [key]: text }))
      },
      [run.run_id],
    ),
  )
  const logs: Record<string, string> = {}
  for (const { key, text } of kept.data?.logs ?? []) logs[key] = text
  for (const [key, text] of Object.entries(fresh)) logs[key] = (logs[key] ?? '') + text
  const done = steps.filter(({ state }) => state === 'succeeded').length
  const open = steps.filter(({ state }) => state !== 'succeeded')
  return (
    <>
      {run.error && (
        <div className="notice bad">
          <strong>{run.error.message}</strong>
          {run.error.hint && <span>{run.error.hint}</span>}
        </div>
      )}
      {shown.why && shown.why.length > 0 && (
        <Panel title="Why it stands here">
          <Why lines={shown.why} />
        </Panel>
      )}
      <Facts
        rows={[
          ['Run', <code key="r">{run.run_id}</code>],
          ['Began', <Moment key="b" at={run.created_at} />],
          ['Ended', run.ended_at && <Moment key="e" at={run.ended_at} />],
          ['Waits for', run.waiting_for],
          ['Looks again', run.wake_at && !run.ended_at && <Moment key="w" at={run.wake_at} />],
          ['Driven by', run.lease_owner],
        ]}
      />
      <div className="columns">
        <Panel title="Steps" aside={<span className="soft small">{done} of {steps.length} done</span>}>
          <Choice
            label="Which steps"
            value={failedOnly}
            onChange={setFailedOnly}
            options={[
              { value: 'all', text: 'All', count: steps.length },
              { value: 'open', text: 'Not done', count: open.length },
            ]}
          />
          <Steps steps={failedOnly === 'all' ? steps : open} progress={progress} />
        </Panel>
        <Panel title="Log">
          {kept.error && <Failure problem={kept.error} again={() => void kept.refetch()} />}
          <LogView logs={logs} />
        </Panel>
      </div>
    </>
  )
}

export default function Run({ id }: { id: string }) {
  const shown = useRecord<RunShown>('run', 'show', { id, why: true }, { refetchInterval: 30_000 })
  const run = shown.data?.run
  return (
    <>
      <Head title={run ? `${run.workflow} of ${run.subject}` : id} actions={run && <Actions run={run} />}>
        <p className="row">
          {run && <Badge>{run.state}</Badge>}
          {run && run.subject.split('/').length === 3 && !run.subject.includes('*') && (
            <a href={`#/images/${run.subject}`}>its image</a>
          )}
        </p>
      </Head>
      <Answer of={shown} what="the run">
        {(data) => <Page shown={data} id={id} />}
      </Answer>
    </>
  )
}
