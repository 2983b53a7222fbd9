/// Lists of findings. Everything in them was written by strangers.

import { useMemo, useState } from 'react'

import { severities, type Finding } from '../types'
import { Badge, Empty, SeverityName, useShown } from './basics'

function matches(finding: Finding, wanted: string): boolean {
  const text = `${finding.id} ${finding.package} ${finding.title} ${finding.verdict ?? ''}`.toLowerCase()
  return text.includes(wanted)
}

export function FindingTable({ findings, empty }: { findings: Finding[]; empty: string }) {
  const [severity, setSeverity] = useState('')
  const [text, setText] = useState('')
  const judged = findings.some((finding) => finding.verdict)
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    return findings
      .filter((finding) => (!severity || finding.severity === severity) && (!wanted || matches(finding, wanted)))
      .sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
  }, [findings, severity, text])
  const { shown, more } = useShown(rows)
  if (findings.length === 0) return <Empty title={empty} />
  return (
    <div className="stack">
      {findings.length > 8 && (
        <div className="filters">
          <label className="field">
            <span>Severity</span>
            <select className="input" value={severity} onChange={(event) => setSeverity(event.target.value)}>
              <option value="">any</option>
              {severities.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>Id, package, words</span>
            <input className="input" type="search" value={text} onChange={(event) => setText(event.target.value)} />
          </label>
        </div>
      )}
      <div className="scroll" tabIndex={0} role="region" aria-label="List of findings">
        <table>
          <thead>
            <tr>
              <th scope="col">Severity</th>
              <th scope="col">Finding</th>
              <th scope="col">Package</th>
              <th scope="col">Fixed in</th>
              {judged && <th scope="col">Verdict</th>}
            </tr>
          </thead>
          <tbody>
            {shown.map((finding, i) => (
              <tr key={`${finding.id}/${finding.package}/${i}`}>
                <td>
                  <SeverityName of={finding.severity} />
                </td>
                <td className="wide">
                  <div className="row">
                    <code>{finding.id}</code>
                    {finding.known_exploited && <Badge tone="bad">exploited</Badge>}
                    {finding.suppressed && <Badge tone="info">suppressed by scanner</Badge>}
                  </div>
                  <div className="soft small">{finding.title}</div>
                </td>
                <td>
                  <code>{finding.package}</code>
                  <div className="soft small mono">{finding.installed_version}</div>
                </td>
                <td className="mono">{finding.fixed_version || <span className="soft">no fix yet</span>}</td>
                {judged && (
                  <td className="wide">
                    {finding.verdict && <Badge>{finding.verdict}</Badge>}
                    {finding.why && <div className="soft small">{finding.why}</div>}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p className="soft">Nothing fits the filter.</p>}
      {more}
    </div>
  )
}
