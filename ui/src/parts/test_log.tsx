/// What the candidate's tests said.

import { useRecord } from '../records'
import type { Step } from '../types'
import { Badge, Empty, Failure, Panel } from './basics'

export interface Logs {
  run_id: string
  logs: { key: string; text: string }[]
}

export function TestLog({ runId, steps }: { runId: string; steps: Step[] }) {
  const tests = steps.filter(({ key }) => key.startsWith('test/'))
  const logs = useRecord<Logs>('run', 'log', { id: runId }, { enabled: tests.length > 0 })
  return (
    <Panel title="Tests" aside={<span className="soft small">{tests.length} ran on the booted candidate</span>}>
      {logs.error && <Failure problem={logs.error} again={() => void logs.refetch()} />}
      {tests.length === 0 && <Empty title="No tests">The pipeline names none.</Empty>}
      {tests.map((step) => {
        const text = logs.data?.logs.find(({ key }) => key === step.key)?.text
        return (
          <details key={step.key} open={step.state === 'failed'}>
            <summary>
              <code>{step.key.slice('test/'.length)}</code> <Badge>{step.state === 'succeeded' ? 'passed' : step.state}</Badge>
            </summary>
            {step.error && <p className="notice bad">{step.error.message}</p>}
            <pre className="log" tabIndex={0} aria-label={`Output of ${step.key}`}>
              {text ?? 'It printed nothing.'}
            </pre>
          </details>
        )
      })}
    </Panel>
  )
}
