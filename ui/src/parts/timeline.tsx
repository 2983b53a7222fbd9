/// An image's whole life in one line of time: from the audit log where one may read it, else from its record.

import type { AuditEntry, ImageShown } from '../types'
import { Moment, type Tone } from './basics'

export interface Happening {
  at: string
  what: string
  who: string
  note: string
  tone: Tone
}

const words: Record<string, [string, Tone]> = {
  'image.building': ['Build began', 'info'],
  'image.awaiting_approval': ['Built, tested and assessed; waits for approval', 'warn'],
  'image.active': ['Active', 'good'],
  'image.failed': ['Build failed', 'bad'],
  'image.rejected': ['Rejected', 'bad'],
  'image.deprecated': ['Deprecated', 'warn'],
  'image.disabled': ['Disabled', 'bad'],
  'image.decommissioning': ['Decommissioning began', 'warn'],
  'image.decommissioned': ['Decommissioned', ''],
  'decision.approve': ['Approved', 'good'],
  'decision.reject': ['Rejected', 'bad'],
  'evidence.read': ['Evidence was looked at', ''],
}

function noteOf(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return ''
  const { comment, reason, by } = detail as Record<string, unknown>
  return [comment, reason, by].filter((text): text is string => typeof text === 'string' && text !== '').join('; ')
}

export function fromAudit(entries: AuditEntry[]): Happening[] {
  return entries.map((entry) => {
    const [what, tone] = words[entry.action] ?? [entry.action, '']
    return { at: entry.at, what, who: entry.actor, note: noteOf(entry.detail), tone }
  })
}

export function fromRecord({ image, decisions, assessments }: ImageShown): Happening[] {
  const all: Happening[] = [
    { at: image.created_at, what: 'Build began', who: image.requested_by, note: '', tone: 'info' },
    ...assessments.map((look): Happening => ({
      at: look.assessed_at,
      what: `Assessed (${look.purpose})`,
      who: look.scanner,
      note: `${look.findings} findings, ${look.completeness}`,
      tone: '',
    })),
    ...decisions.map((decision): Happening => ({
      at: decision.decided_at,
      what: decision.approve ? 'Approved' : 'Rejected',
      who: decision.approver,
      note: decision.comment,
      tone: decision.approve ? 'good' : 'bad',
    })),
    { at: image.state_since, what: image.state.replaceAll('_', ' '), who: '', note: image.state_reason, tone: '' },
  ]
  return all.sort((a, b) => a.at.localeCompare(b.at))
}

export function Timeline({ happenings }: { happenings: Happening[] }) {
  return (
    <ol className="timeline">
      {happenings.map((one, i) => (
        <li key={i}>
          <span className={`dot ${one.tone}`} aria-hidden="true" />
          <span>
            <b>{one.what}</b>
            {one.who && <span className="soft"> by {one.who}</span>}
          </span>
          <span className="soft small">
            <Moment at={one.at} />
          </span>
          {one.note && <span className="small">{one.note}</span>}
        </li>
      ))}
    </ol>
  )
}
