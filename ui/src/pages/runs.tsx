/// What goes on, what waits and what went wrong.

import { useState } from 'react'

import { Answer, Badge, Choice, Empty, Head, Time, useShown } from '../parts/basics'
import { useRecord } from '../records'
import type { Run } from '../types'

const groups = {
  all: [],
  open: ['pending', 'running', 'waiting'],
  failed: ['failed', 'cancelled'],
  done: ['succeeded'],
}
type Group = keyof typeof groups

/// Why it stands where it stands, in one line.
function note(run: Run): string {
  if (run.error) return run.error.message
  if (run.cancel_requested && !run.ended_at) return 'was asked to stop'
  if (run.state === 'pending') return 'nothing drives it yet'
  return run.waiting_for ? `waits for ${run.waiting_for}` : ''
}

function Table({ runs }: { runs: Run[] }) {
  const { shown, more } = useShown(runs)
  return (
    <section className="panel" aria-label="Runs">
      <div className="body">
        <div className="scroll" tabIndex={0} role="region" aria-label="List of runs">
          <table>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Of</th>
                <th scope="col">State</th>
                <th scope="col">Began</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((run) => (
                <tr key={run.run_id}>
                  <th scope="row">
                    <a href={`#/runs/${run.run_id}`} aria-label={`${run.workflow} of ${run.subject}`}>
                      {run.workflow}
                    </a>
                  </th>
                  <td className="wide">{run.subject}</td>
                  <td>
                    <Badge>{run.state}</Badge>
                  </td>
                  <td>
                    <Time at={run.created_at} />
                  </td>
                  <td className="wide soft small">{note(run)}</td>
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

export default function Runs() {
  const [group, setGroup] = useState<Group>('all')
  const [text, setText] = useState('')
  // Without live news a look now and then; with them this costs one request a minute.
  const runs = useRecord<{ runs: Run[] }>('run', 'list', { only: groups[group] }, { refetchInterval: 60_000 })
  return (
    <>
      <Head title="Runs">
        <p className="soft">Every build, distribution and retirement, step by step, as it happens.</p>
      </Head>
      <div className="filters">
        <Choice<Group>
          label="Which runs"
          value={group}
          onChange={setGroup}
          options={[
            { value: 'all', text: 'All' },
            { value: 'open', text: 'Going on' },
            { value: 'failed', text: 'Failed or cancelled' },
            { value: 'done', text: 'Done' },
          ]}
        />
        <label className="field">
          <span className="hidden">Search runs</span>
          <input
            className="input"
            type="search"
            placeholder="image, workflow, run id"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
      </div>
      <Answer of={runs} what="runs">
        {(data) => {
          const wanted = text.trim().toLowerCase()
          const rows = data.runs.filter((run) => `${run.workflow} ${run.subject} ${run.run_id}`.toLowerCase().includes(wanted))
          if (rows.length > 0) return <Table key={group + wanted} runs={rows} />
          return (
            <section className="panel">
              <Empty title={data.runs.length > 0 ? 'Nothing fits the search' : 'No such runs'} />
            </section>
          )
        }}
      </Answer>
    </>
  )
}
