/// Where somebody says yes or no, to exactly the evidence that is on the screen.

import { useState } from 'react'

import { may, type Progress } from '../api'
import { useCommand } from '../records'
import { useSession } from '../session'
import type { ImageShown } from '../types'
import { Badge, Failure } from './basics'

/// One line of what goes on: the step that changed, or what a script printed.
function lineOf(progress: Progress): string {
  const word = (name: string) => (typeof progress[name] === 'string' ? progress[name] : '')
  return [word('key'), word('state'), word('text')].filter(Boolean).join(' · ')
}

export function Decide({ shown }: { shown: ImageShown }) {
  const who = useSession()
  const { image } = shown
  const [comment, setComment] = useState('')
  const [rejecting, setRejecting] = useState(false)
  const [line, setLine] = useState('')
  const onProgress = (progress: Progress) => setLine(lineOf(progress))
  const approve = useCommand('image', 'approve', onProgress)
  const reject = useCommand('image', 'reject', onProgress)
  const busy = approve.isPending || reject.isPending
  const problem = approve.error ?? reject.error
  const done = approve.isSuccess ? 'Approved.' : reject.isSuccess ? 'Rejected.' : ''

  if (done) {
    return (
      <div className="notice good" role="status">
        <strong>{done}</strong>
        <span>
          It is now {image.state.replaceAll('_', ' ')}. <a href={`#/images/${image.image_key}`}>See where it is</a>
        </span>
      </div>
    )
  }
  if (image.state !== 'awaiting_approval') {
    return (
      <p className="notice">
        <span>
          Nothing is to be decided: it is <Badge>{image.state}</Badge>
        </span>
      </p>
    )
  }
  const refusal = !may(who, 'approver', image.product)
    ? `You may look, but not decide on ${image.product}.`
    : image.requested_by === who.name
      ? 'You requested it, so somebody else has to decide.'
      : shown.decisions.some((decision) => decision.approver === who.name)
        ? 'You have decided already; others have to.'
        : ''
  if (refusal) return <p className="notice info">{refusal}</p>

  const base = { ref: image.image_key, evidence: image.evidence_digest }
  return (
    <div className="decide">
      <section className="panel" aria-label="Your decision">
        <form className="body" onSubmit={(event) => event.preventDefault()}>
          {problem && <Failure problem={problem} />}
          <label className="field">
            <span>{rejecting ? 'Why is it rejected?' : 'Comment'}</span>
            <textarea
              className="input"
              value={comment}
              rows={1}
              placeholder={rejecting ? 'kept with the decision' : 'kept with the decision; may be empty'}
              maxLength={4000}
              required={rejecting}
              onChange={(event) => setComment(event.target.value)}
            />
          </label>
          <div className="row">
            {rejecting ? (
              <>
                <button
                  type="button"
                  className="button bad"
                  disabled={busy || !comment.trim()}
                  onClick={() => reject.mutate({ ...base, reason: comment.trim() })}
                >
                  Reject, and remove what was made
                </button>
                <button type="button" className="button" disabled={busy} onClick={() => setRejecting(false)}>
                  Back
                </button>
              </>
            ) : (
              <>
                <button
                  type="button"
                  className="button first"
                  disabled={busy}
                  onClick={() => approve.mutate({ ...base, comment: comment.trim() || undefined })}
                >
                  Approve
                </button>
                <button type="button" className="button bad" disabled={busy} onClick={() => setRejecting(true)}>
                  Reject…
                </button>
              </>
            )}
            <span className="soft small grow">
              You decide on evidence <code title={image.evidence_digest}>{image.evidence_digest.slice(0, 12)}…</code> as{' '}
              <b>{who.name}</b>.
            </span>
          </div>
          {busy && (
            <p role="status" className="small">
              Recorded; the run goes on. You may leave this page. {line}
            </p>
          )}
        </form>
      </section>
    </div>
  )
}
