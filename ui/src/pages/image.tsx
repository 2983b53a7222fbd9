/// One golden image from beginning to end.

import { useMutation } from '@tanstack/react-query'

import { may, type Problem } from '../api'
import { bundleOf, tarOf } from '../bundle'
import { Answer, Badge, Empty, Facts, Failure, Head, Moment, Panel } from '../parts/basics'
import { Matrix } from '../parts/matrix'
import { fromAudit, fromRecord, Timeline } from '../parts/timeline'
import { Tree } from '../parts/tree'
import { useRecord } from '../records'
import { useSession } from '../session'
import type { AuditEntry, ImageShown, TreeNode } from '../types'

function keep(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

function Download({ reference }: { reference: string }) {
  const download = useMutation<void, Problem>({
    mutationFn: async () => {
      const files = await bundleOf(reference)
      keep(tarOf(files), `evidence-${reference.replaceAll('/', '-')}.tar`)
    },
  })
  return (
    <>
      <button type="button" className="button" disabled={download.isPending} onClick={() => download.mutate()}>
        {download.isPending ? 'Writing the bundle…' : 'Download evidence'}
      </button>
      {download.error && <Failure problem={download.error} />}
    </>
  )
}

function Life({ shown }: { shown: ImageShown }) {
  const who = useSession()
  const { image } = shown
  const allowed = may(who, 'operator')
  const ofImage = useRecord<{ entries: AuditEntry[] }>('audit', 'list', { subject: image.image_key }, { enabled: allowed })
  const ofRun = useRecord<{ entries: AuditEntry[] }>('audit', 'list', { subject: image.run_id }, { enabled: allowed })
  // A subject is asked for by its beginning: version 1 would bring version 10 along.
  const exactly = (record: { entries: AuditEntry[] } | undefined, wanted: string) =>
    record?.entries.filter(({ subject }) => subject === wanted) ?? []
  const entries = [...exactly(ofImage.data, image.image_key), ...exactly(ofRun.data, image.run_id)].sort(
    (a, b) => a.sequence - b.sequence,
  )
  return (
    <Panel title="Its life">
      <Timeline happenings={entries.length > 0 ? fromAudit(entries) : fromRecord(shown)} />
    </Panel>
  )
}

function Page({ shown }: { shown: ImageShown }) {
  const { image, assessments } = shown
  const tree = useRecord<{ images: TreeNode[] }>('image', 'tree', { ref: image.image_key })
  return (
    <>
      <Facts
        rows={[
          ['Why', image.state_reason],
          ['Image', image.image_id && <code key="i">{image.image_id}</code>],
          ['Built in', `${image.account_id}/${image.region}`],
          ['Source', image.source_image_id && <code key="s">{image.source_image_id}</code>],
          ['Requested by', image.requested_by],
          ['Evidence', image.evidence_digest && <code key="e">{image.evidence_digest}</code>],
          ['Run', <a key="r" href={`#/runs/${image.run_id}`}>{image.run_id}</a>],
        ]}
      />
      <Panel title="Where it is" aside={<span className="soft small">{shown.targets.length} places</span>}>
        {shown.targets.length === 0 ? (
          <Empty title="Nowhere yet">
            {image.state === 'awaiting_approval' ? 'It is distributed once it is approved.' : 'It was brought to no account or region.'}
          </Empty>
        ) : (
          <Matrix targets={shown.targets} parameters={shown.parameters} />
        )}
      </Panel>
      <div className="columns">
        <Life shown={shown} />
        <div className="stack">
          <Panel title="Ancestry">
            <Answer of={tree} what="its ancestry">
              {(data) => <Tree nodes={data.images} here={image.image_key} />}
            </Answer>
          </Panel>
          <Panel title="Assessments">
            {assessments.length === 0 && <p className="soft">It was not assessed.</p>}
            <ul className="plain-list">
              {assessments.map((look) => (
                <li key={look.assessment_id} className="row">
                  <Badge>{look.completeness}</Badge>
                  <span>
                    {look.scanner} of the {look.purpose}: {look.findings} findings in {look.packages} packages
                    {look.gaps > 0 && `, ${look.gaps} gaps`}
                  </span>
                  <span className="soft small">
                    <Moment at={look.assessed_at} />
                  </span>
                </li>
              ))}
            </ul>
          </Panel>
          {shown.archives.length > 0 && (
            <Panel title="Archives">
              <ul className="plain-list">
                {shown.archives.map((archive) => (
                  <li key={archive.bucket + archive.object}>
                    <code>
                      {archive.bucket}/{archive.object}
                    </code>{' '}
                    in {archive.region}, <Moment at={archive.archived_at} />
                  </li>
                ))}
              </ul>
            </Panel>
          )}
        </div>
      </div>
    </>
  )
}

export default function Image({ reference }: { reference: string }) {
  const shown = useRecord<ImageShown>('image', 'show', { ref: reference })
  const image = shown.data?.image
  return (
    <>
      <Head
        title={reference}
        actions={
          image && (
            <>
              {image.state === 'awaiting_approval' && (
                <a className="button first" href={`#/approvals/${reference}`}>
                  Review and decide
                </a>
              )}
              {image.evidence_digest && <Download reference={reference} />}
            </>
          )
        }
      >
        <p>{image && <Badge>{image.state}</Badge>}</p>
      </Head>
      <Answer of={shown} what="the image">
        {(data) => <Page shown={data} />}
      </Answer>
    </>
  )
}
