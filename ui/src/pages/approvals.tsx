/// What waits for a decision: mine first.

import { may } from '../api'
import { Answer, Badge, Empty, Head, Moment, Panel, Time } from '../parts/basics'
import { useRecord } from '../records'
import { useSession } from '../session'
import type { Image, Run } from '../types'

interface Waiting {
  image: Image
  run: Run | undefined
}

/// "approval of KEY (1 of 2)" in short.
function approvals(run: Run | undefined): string {
  const count = run?.waiting_for?.match(/\((\d+ of \d+)\)$/)
  return count ? `${count[1]} approvals` : 'waits'
}

function Card({ image, run }: Waiting) {
  return (
    <li>
      <a className="card" href={`#/approvals/${image.image_key}`}>
        <span className="title">{image.image_key}</span>
        <span className="row">
          <Badge tone="warn">{approvals(run)}</Badge>
        </span>
        <span className="soft small">
          requested by {image.requested_by}, waiting since <Moment at={image.state_since} />
        </span>
        <span className="soft small">review and decide →</span>
      </a>
    </li>
  )
}

export default function Approvals() {
  const who = useSession()
  const images = useRecord<{ images: Image[] }>('image', 'list', { only: ['awaiting_approval'] })
  const runs = useRecord<{ runs: Run[] }>('run', 'list', { only: ['waiting'], workflow: 'build' })
  const lately = useRecord<{ images: Image[] }>('image', 'list', { only: ['active', 'rejected'] })
  return (
    <>
      <Head title="Approvals">
        <p className="soft">Images that were built, tested and assessed, and go nowhere before somebody says yes.</p>
      </Head>
      <Answer of={images} what="what waits">
        {(data) => {
          const all: Waiting[] = data.images.map((image) => ({
            image,
            run: runs.data?.runs.find((run) => run.run_id === image.run_id),
          }))
          const mine = all.filter(({ image }) => may(who, 'approver', image.product) && image.requested_by !== who.name)
          const others = all.filter((one) => !mine.includes(one))
          if (all.length === 0) {
            return (
              <section className="panel">
                <Empty title="Nothing waits for approval">
                  <p>
                    New candidates appear here by themselves. <a href="#/runs">See what is being built</a>
                  </p>
                </Empty>
              </section>
            )
          }
          return (
            <>
              <section className="stack" aria-label="Waiting for you">
                <h2>Waiting for you ({mine.length})</h2>
                {mine.length === 0 && <p className="soft">Nothing waits for you.</p>}
                <ul className="cards">
                  {mine.map((one) => (
                    <Card key={one.image.run_id} {...one} />
                  ))}
                </ul>
              </section>
              {others.length > 0 && (
                <section className="stack" aria-label="Waiting for others">
                  <h2>Waiting for others ({others.length})</h2>
                  <p className="soft small">Requested by you, or of a product that you do not decide on.</p>
                  <ul className="cards">
                    {others.map((one) => (
                      <Card key={one.image.run_id} {...one} />
                    ))}
                  </ul>
                </section>
              )}
            </>
          )
        }}
      </Answer>
      {lately.data && lately.data.images.length > 0 && (
        <Panel title="Decided lately">
          <ul className="plain-list">
            {lately.data.images.slice(0, 8).map((image) => (
              <li key={image.run_id} className="row">
                <Badge>{image.state}</Badge>
                <a href={`#/images/${image.image_key}`}>{image.image_key}</a>
                <span className="soft small">
                  <Time at={image.state_since} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  )
}
