/// Products with their versions, and what is made from what.

import { useMemo, useState } from 'react'

import { Answer, Badge, Choice, Empty, Head, Time } from '../parts/basics'
import { Tree } from '../parts/tree'
import { useRecord } from '../records'
import type { Channel, Image, TreeNode } from '../types'

function Product({ name, images, channels }: { name: string; images: Image[]; channels: Channel[] }) {
  return (
    <section className="panel" aria-label={name}>
      <header>
        <h2>{name}</h2>
        <span className="soft small">
          {images.length} {images.length === 1 ? 'version' : 'versions'}
        </span>
      </header>
      <div className="body">
        <div className="scroll" tabIndex={0} role="region" aria-label={`Versions of ${name}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">State</th>
                <th scope="col">Channels</th>
                <th scope="col">Image</th>
                <th scope="col">Since</th>
                <th scope="col">Requested by</th>
              </tr>
            </thead>
            <tbody>
              {images.map((image) => (
                <tr key={image.run_id}>
                  <th scope="row">
                    <a href={`#/images/${image.image_key}`}>{image.version}</a>
                  </th>
                  <td>
                    <Badge>{image.state}</Badge>
                    {image.state_reason && <div className="soft small">{image.state_reason}</div>}
                  </td>
                  <td>
                    {channels
                      .filter((channel) => channel.image_key === image.image_key)
                      .map((channel) => (
                        <Badge key={channel.channel} tone="info">
                          {channel.channel.split('/').pop() ?? ''}
                        </Badge>
                      ))}
                  </td>
                  <td className="mono small">
                    {image.image_id || '–'}
                    <div className="soft">{image.region}</div>
                  </td>
                  <td>
                    <Time at={image.state_since} />
                  </td>
                  <td>{image.requested_by}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  )
}

function Ancestry() {
  const tree = useRecord<{ images: TreeNode[] }>('image', 'tree')
  return (
    <section className="panel" aria-label="Ancestry">
      <div className="body">
        <Answer of={tree} what="what is made from what">
          {(data) => (data.images.length === 0 ? <Empty title="No images yet" /> : <Tree nodes={data.images} />)}
        </Answer>
      </div>
    </section>
  )
}

export default function Images() {
  const [view, setView] = useState<'versions' | 'gone' | 'ancestry'>('versions')
  const [text, setText] = useState('')
  const list = useRecord<{ images: Image[] }>('image', 'list', { all: view === 'gone' })
  const channels = useRecord<{ channels: Channel[] }>('channel', 'list')
  const groups = useMemo(() => {
    const made = new Map<string, Image[]>()
    const wanted = text.trim().toLowerCase()
    for (const image of list.data?.images ?? []) {
      const said = `${image.image_key} ${image.image_id} ${image.state} ${image.requested_by}`.toLowerCase()
      if (!said.includes(wanted)) continue
      const key = `${image.product}/${image.os}`
      made.set(key, [...(made.get(key) ?? []), image])
    }
    return [...made].sort(([a], [b]) => a.localeCompare(b))
  }, [list.data, text])
  return (
    <>
      <Head title="Images">
        <p className="soft">Every product with its versions, where they are and what they are made from.</p>
      </Head>
      <div className="filters">
        <Choice
          label="View"
          value={view}
          onChange={setView}
          options={[
            { value: 'versions', text: 'In use or on their way' },
            { value: 'gone', text: 'All, also gone' },
            { value: 'ancestry', text: 'Ancestry' },
          ]}
        />
        {view !== 'ancestry' && (
          <label className="field">
            <span className="hidden">Search images</span>
            <input
              className="input"
              type="search"
              placeholder="product, version, image id, state"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </label>
        )}
      </div>
      {view === 'ancestry' ? (
        <Ancestry />
      ) : (
        <Answer of={list} what="images">
          {(data) =>
            groups.length > 0 ? (
              <>
                {groups.map(([name, images]) => (
                  <Product key={name} name={name} images={images} channels={channels.data?.channels ?? []} />
                ))}
              </>
            ) : (
              <section className="panel">
                {data.images.length > 0 ? (
                  <Empty title="Nothing fits the search" />
                ) : (
                  <Empty title="No images yet">
                    <p>
                      Make one with <code>hallmark image build golden.yaml</code>
                    </p>
                  </Empty>
                )}
              </section>
            )
          }
        </Answer>
      )}
    </>
  )
}
