/// Charts as plain SVG. Each has its numbers as text too, for who cannot see it.

import { severities, type Change, type Counts, type Finding, type FindingDay, type Severity, type TrendDay } from '../types'

function countBySeverity(findings: Finding[]): Counts {
  const counts = Object.fromEntries(severities.map((severity) => [severity, 0])) as Counts
  for (const finding of findings) counts[finding.severity] += 1
  return counts
}

export interface ChangeRow {
  severity: Severity
  fixed: number
  introduced: number
  unchanged: number
}

/// Per severity: what went, what came, what stayed. Severities that say nothing are left out.
export function changeRows(change: Change, counts: Counts): ChangeRow[] {
  const introduced = countBySeverity(change.introduced)
  const fixed = countBySeverity(change.fixed)
  return severities
    .map((severity) => ({
      severity,
      fixed: fixed[severity],
      introduced: introduced[severity],
      unchanged: Math.max(0, counts[severity] - introduced[severity]),
    }))
    .filter((row) => row.fixed + row.introduced + row.unchanged > 0)
}

const left = 70
const middle = 176
const right = 430
const height = 30

/// Fixed goes to the left of the line; what is there now to the right: unchanged pale, new full.
export function ChangeChart({ rows, since }: { rows: ChangeRow[]; since: string }) {
  const most = Math.max(1, ...rows.map((row) => Math.max(row.fixed, row.introduced + row.unchanged)))
  const unit = Math.min((middle - left - 30) / most, (right - middle - 30) / most)
  const said = rows
    .map((row) => `${row.severity}: ${row.introduced} new, ${row.fixed} fixed, ${row.unchanged} unchanged`)
    .join('; ')
  return (
    <svg
      className="chart"
      viewBox={`0 0 ${right} ${rows.length * height + 26}`}
      role="img"
      aria-label={`Findings against ${since}. ${said || 'none'}`}
    >
      <text x={middle - 8} y={12} textAnchor="end">
        fixed
      </text>
      <text x={middle + 8} y={12}>
        unchanged, then new
      </text>
      <line className="stroke-line" x1={middle} x2={middle} y1={18} y2={rows.length * height + 22} strokeWidth={1} />
      {rows.map((row, i) => {
        const y = 24 + i * height
        const stays = row.unchanged * unit
        const comes = row.introduced * unit
        return (
          <g key={row.severity}>
            <text className="strong" x={0} y={y + 14}>
              {row.severity}
            </text>
            <rect className="fill-good" x={middle - row.fixed * unit} y={y} width={row.fixed * unit} height={18} rx={2} />
            {row.fixed > 0 && (
              <text x={middle - row.fixed * unit - 6} y={y + 14} textAnchor="end">
                −{row.fixed}
              </text>
            )}
            <rect className={`fill-${row.severity}`} opacity={0.35} x={middle} y={y} width={stays} height={18} rx={2} />
            <rect className={`fill-${row.severity}`} x={middle + stays} y={y} width={comes} height={18} rx={2} />
            <text x={middle + stays + comes + 6} y={y + 14}>
              {row.unchanged + row.introduced}
              {row.introduced > 0 && ` (+${row.introduced})`}
            </text>
          </g>
        )
      })}
    </svg>
  )
}

/// Share of what is fine, day by day.
export function TrendChart({ days }: { days: TrendDay[] }) {
  const width = 430
  const top = 120
  const x = (i: number) => (days.length < 2 ? width / 2 : 34 + (i * (width - 44)) / (days.length - 1))
  const y = (share: number) => 8 + (1 - share) * (top - 16)
  const last = days[days.length - 1]
  const first = days[0]
  const path = days.map((day, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)},${y(day.compliant_share).toFixed(1)}`).join('')
  const percent = (share: number) => `${Math.round(share * 100)} %`
  return (
    <svg
      className="chart"
      viewBox={`0 0 ${width} ${top + 18}`}
      role="img"
      aria-label={`Share of machines that are fine: ${percent(first.compliant_share)} on ${first.day}, ${percent(last.compliant_share)} on ${last.day}`}
    >
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line className="stroke-line" x1={34} x2={width - 10} y1={y(share)} y2={y(share)} />
          <text x={28} y={y(share) + 4} textAnchor="end">
            {Math.round(share * 100)}
          </text>
        </g>
      ))}
      <path className="stroke-accent" d={path} strokeWidth={2} strokeLinejoin="round" />
      {days.map((day, i) => (
        <circle key={day.day} cx={x(i)} cy={y(day.compliant_share)} r={i === days.length - 1 ? 4 : 2} fill="var(--accent)">
          <title>{`${day.day}: ${day.fine} of ${day.checked} fine in ${day.places} places`}</title>
        </circle>
      ))}
      <text x={34} y={top + 14}>
        {first.day}
      </text>
      {days.length > 1 && (
        <text x={width - 10} y={top + 14} textAnchor="end">
          {last.day}
        </text>
      )}
    </svg>
  )
}

/// A bar of parts that add up to something.
export function PartsBar({ parts, label }: { parts: { name: string; value: number; fill: string }[]; label: string }) {
  const total = parts.reduce((sum, part) => sum + part.value, 0)
  let at = 0
  return (
    <svg
      className="chart"
      viewBox="0 0 200 10"
      preserveAspectRatio="none"
      style={{ height: 10 }}
      role="img"
      aria-label={`${label}: ${parts.filter((part) => part.value > 0).map((part) => `${part.value} ${part.name}`).join(', ') || 'none'}`}
    >
      <rect className="fill-line" x={0} y={0} width={200} height={10} rx={2} />
      {parts.map((part) => {
        const width = total === 0 ? 0 : (part.value / total) * 200
        const from = at
        at += width
        return <rect key={part.name} className={part.fill} x={from} y={0} width={Math.max(0, width - 0.6)} height={10} />
      })}
    </svg>
  )
}

/// Open findings day by day, the worst at the bottom, where a change is seen best.
export function FindingsChart({ days, of }: { days: FindingDay[]; of: string }) {
  const width = 430
  const top = 120
  const sum = (day: FindingDay) => severities.reduce((all, severity) => all + (day.open[severity] ?? 0), 0)
  const most = Math.max(1, ...days.map(sum))
  const x = (i: number) => (days.length < 2 ? width / 2 : 34 + (i * (width - 44)) / (days.length - 1))
  const y = (count: number) => top - 8 - (count / most) * (top - 16)
  const first = days[0]
  const last = days[days.length - 1]
  const said = (day: FindingDay) =>
    severities.filter((severity) => day.open[severity]).map((severity) => `${day.open[severity]} ${severity}`).join(', ') || 'none'
  let below = days.map(() => 0)
  const areas = severities.map((severity) => {
    const above = days.map((day, i) => below[i] + (day.open[severity] ?? 0))
    const there = above.map((count, i) => `${x(i).toFixed(1)},${y(count).toFixed(1)}`)
    const back = below.map((count, i) => `${x(i).toFixed(1)},${y(count).toFixed(1)}`).reverse()
    below = above
    return { severity, points: [...there, ...back].join(' ') }
  })
  return (
    <svg
      className="chart"
      viewBox={`0 0 ${width} ${top + 18}`}
      role="img"
      aria-label={`Open findings of ${of}: ${said(first)} on ${first.day}; ${said(last)} on ${last.day}`}
    >
      {[0, most].map((count) => (
        <g key={count}>
          <line className="stroke-line" x1={34} x2={width - 10} y1={y(count)} y2={y(count)} />
          <text x={28} y={y(count) + 4} textAnchor="end">
            {count}
          </text>
        </g>
      ))}
      {areas.map(({ severity, points }) => (
        <polygon key={severity} className={`fill-${severity}`} points={points} />
      ))}
      <text x={34} y={top + 14}>
        {first.day}
      </text>
      <text x={width - 10} y={top + 14} textAnchor="end">
        {last.day}
      </text>
    </svg>
  )
}
