/// A candidate against the golden version that is in use: everything that a decision rests on.

import { useState } from 'react'

import { Answer, Badge, Choice, Facts, Head, Loading, Moment, Panel, SeverityName, Time } from '../parts/basics'
import { ChangeChart, changeRows } from '../parts/charts'
import { Decide } from '../parts/decide'
import { FindingTable } from '../parts/findings'
import { PackageChanges } from '../parts/packages'
import { TestLog } from '../parts/test_log'
import { useRecord } from '../records'
import type { Finding, ImageShown, Report, RunShown, ScannerLook } from '../types'

function Lines({ title, lines, tone }: { title: string; lines: string[]; tone: 'good' | 'bad' | 'warn' | 'info' }) {
  if (lines.length === 0) return null
  return (
    <div className={`notice ${tone}`}>
      <strong>{title}</strong>
      <ul className="plain-list">
        {lines.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </div>
  )
}

function Rules({ report }: { report: Report }) {
  const { failures, reviews, warnings, passes } = report.rules
  return (
    <Panel title="Gate" aside={<Badge tone={failures.length ? 'bad' : 'good'}>{failures.length ? 'closed' : 'passed'}</Badge>}>
      <Lines title="Fails" lines={failures} tone="bad" />
      <Lines title="For you to look at" lines={reviews} tone="warn" />
      <Lines title="Mind" lines={warnings} tone="info" />
      <details>
        <summary>{passes.length} rules pass</summary>
        <ul className="plain-list small">
          {passes.map((line, i) => (
            <li key={i}>{line}</li>
          ))}
        </ul>
      </details>
    </Panel>
  )
}

function FindingsPanel({ report }: { report: Report }) {
  const change = report.change_since_previous ?? report.change_since_source
  const waived = report.findings.filter((finding) => finding.verdict === 'waived')
  const lists: Record<string, { text: string; findings: Finding[]; empty: string }> = {
    new: { text: 'New', findings: change?.introduced ?? [], empty: 'Nothing new' },
    fixed: { text: 'Fixed', findings: change?.fixed ?? [], empty: 'Nothing was fixed' },
    all: { text: 'All in it now', findings: report.findings, empty: 'No findings' },
    waived: { text: 'Waived', findings: waived, empty: 'No waiver is in force' },
  }
  const [shown, setShown] = useState(change ? 'new' : 'all')
  return (
    <Panel title="Findings">
      <Choice
        label="Which findings"
        value={shown}
        onChange={setShown}
        options={Object.entries(lists)
          .filter(([value]) => change || (value !== 'new' && value !== 'fixed'))
          .map(([value, list]) => ({ value, text: list.text, count: list.findings.length }))}
      />
      <FindingTable key={shown} findings={lists[shown].findings} empty={lists[shown].empty} />
    </Panel>
  )
}

function Comparison({ report }: { report: Report }) {
  const change = report.change_since_previous
  if (!change) {
    return (
      <Panel title="Against the golden version">
        <p>This is the first version of its product, so there is nothing in use to compare it with.</p>
        <p className="row">
          {(['critical', 'high', 'medium', 'low'] as const).map((severity) => (
            <span key={severity} className="row">
              <SeverityName of={severity} /> <b>{report.counts[severity]}</b>
            </span>
          ))}
        </p>
      </Panel>
    )
  }
  return (
    <Panel title={`Against ${change.since}`}>
      <div className="figures">
        <div className="figure">
          <b>{change.introduced.length}</b>
          <span>new</span>
        </div>
        <div className="figure">
          <b>{change.fixed.length}</b>
          <span>fixed</span>
        </div>
        <div className="figure">
          <b>{change.unchanged}</b>
          <span>unchanged</span>
        </div>
      </div>
      <ChangeChart rows={changeRows(change, report.counts)} since={change.since} />
      <p className="soft small">
        As far as these saw both: {change.scanners.join(', ')}. The older look was {change.completeness_then}.
      </p>
    </Panel>
  )
}

function scoreBefore(previous: Report | undefined, scanner: string): number | null {
  return previous?.scanners.find((look) => look.scanner === scanner)?.hardening_score ?? null
}

function Scanners({ report, previous }: { report: Report; previous: Report | undefined }) {
  const gaps = report.scanners.flatMap((look) => look.gaps.map((gap) => ({ ...gap, scanner: look.scanner })))
  const score = (look: ScannerLook) => {
    if (look.hardening_score === null) return '–'
    const before = scoreBefore(previous, look.scanner)
    const moved = before === null ? 0 : look.hardening_score - before
    return (
      <>
        <b>{look.hardening_score}</b>
        {moved !== 0 && (
          <span className="soft small">
            {' '}
            {moved > 0 ? '▲' : '▼'} {Math.abs(moved).toFixed(1)} from {before}
          </span>
        )}
      </>
    )
  }
  return (
    <Panel title="Completeness" aside={<Badge>{report.completeness}</Badge>}>
      <div className="scroll" tabIndex={0} role="region" aria-label="Scanners">
        <table>
          <thead>
            <tr>
              <th scope="col">Scanner</th>
              <th scope="col">Saw</th>
              <th scope="col">Logged in</th>
              <th scope="col">Hardening</th>
              <th scope="col" className="number">
                Findings
              </th>
            </tr>
          </thead>
          <tbody>
            {report.scanners.map((look) => (
              <tr key={look.scanner}>
                <th scope="row">
                  {look.scanner} {look.version}
                </th>
                <td>
                  <Badge>{look.completeness}</Badge>
                  {look.reasons.map((reason, i) => (
                    <div key={i} className="soft small">
                      {reason}
                    </div>
                  ))}
                </td>
                <td>{look.login.replaceAll('_', ' ')}</td>
                <td>{score(look)}</td>
                <td className="number">{look.findings}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {gaps.length === 0 ? (
        <p className="soft small">No coverage gaps: nothing that should have been read was left out.</p>
      ) : (
        <div className="notice warn">
          <strong>{gaps.length} coverage gaps</strong>
          <ul className="plain-list">
            {gaps.slice(0, 50).map((gap, i) => (
              <li key={i}>
                {gap.scanner}: {gap.what}: {gap.reason}
              </li>
            ))}
          </ul>
          {gaps.length > 50 && <span>and {gaps.length - 50} more, in the evidence bundle</span>}
        </div>
      )}
    </Panel>
  )
}

/// Until when it can be decided: the build wrote it down as a step.
function deadlineOf(run: RunShown | undefined): string {
  const step = run?.steps.find(({ key }) => key === 'approval-deadline')
  return typeof step?.result === 'string' ? step.result : ''
}

function Page({ shown, report }: { shown: ImageShown; report: Report }) {
  const { image } = shown
  const run = useRecord<RunShown>('run', 'show', { id: image.run_id, why: true })
  const before = report.change_since_previous?.since
  const previous = useRecord<{ report: Report }>('image', 'report', { ref: before }, { enabled: before !== undefined })
  const deadline = deadlineOf(run.data)
  return (
    <>
      <Facts
        rows={[
          ['Requested by', image.requested_by],
          ['Built', <Moment key="b" at={image.created_at} />],
          ['Decide by', deadline && <span key="d"><Moment at={deadline} /> (<Time at={deadline} />)</span>],
          ['Waits for', run.data?.run.waiting_for ?? ''],
          ['System', `${report.distribution}, ${report.packages} ${report.packages === 1 ? 'package' : 'packages'}`],
          ['Evidence', <code key="e">{image.evidence_digest}</code>],
          ['Disk', report.disk_sha256 && <code key="s">sha256:{report.disk_sha256}</code>],
          ['Run', <a key="r" href={`#/runs/${image.run_id}`}>{image.run_id}</a>],
        ]}
      />
      <div className="columns">
        <Comparison report={report} />
        <Rules report={report} />
      </div>
      <FindingsPanel report={report} />
      <div className="columns">
        <Scanners report={report} previous={previous.data?.report} />
        <TestLog runId={image.run_id} steps={run.data?.steps ?? []} />
      </div>
      <PackageChanges image={image} packages={report.packages} since={before} sinceCount={previous.data?.report.packages} />
      {shown.decisions.length > 0 && (
        <Panel title="Decisions so far">
          <ul className="plain-list">
            {shown.decisions.map((decision, i) => (
              <li key={i}>
                <Badge tone={decision.approve ? 'good' : 'bad'}>{decision.approve ? 'approved' : 'rejected'}</Badge>{' '}
                {decision.approver}, <Moment at={decision.decided_at} />
                {decision.comment && <div className="soft">{decision.comment}</div>}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Decide shown={shown} />
    </>
  )
}

export default function Approval({ reference }: { reference: string }) {
  const shown = useRecord<ImageShown>('image', 'show', { ref: reference })
  const report = useRecord<{ report: Report }>('image', 'report', { ref: reference }, { enabled: shown.isSuccess })
  return (
    <>
      <Head title={reference} actions={<a className="button" href={`#/images/${reference}`}>Its whole life</a>}>
        <p className="row">
          {shown.data && <Badge>{shown.data.image.state}</Badge>}
          <span className="soft">candidate for approval</span>
        </p>
      </Head>
      <Answer of={shown} what="the image">
        {(data) =>
          report.isPending && !report.data ? (
            <Loading what="its report" />
          ) : (
            <Answer of={report} what="its report">
              {(answer) => <Page shown={data} report={answer.report} />}
            </Answer>
          )
        }
      </Answer>
    </>
  )
}
