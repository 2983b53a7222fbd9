/// For who wants a machine: what portfolios grant, to launch and to stop.

import { useState } from 'react'

import { may } from '../api'
import { Answer, Badge, Empty, Failure, Head, Panel, Time } from '../parts/basics'
import { useCommand, useRecord } from '../records'
import { useSession } from '../session'
import type { Image, Launched, Offer } from '../types'

interface Place {
  account: string
  region: string
}

/// "Web-1.0-Debian-12" is "Web-1.0/Debian-12" in the catalog's own name. The images say where to cut; without
/// them a product ends with its first part that begins with a digit.
export function productOf(offer: string, images: Image[]): string {
  const known = images.find(({ product, os }) => `${product}-${os}` === offer)
  if (known) return `${known.product}/${known.os}`
  const parts = offer.match(/^(.+?-\d[^-]*)-(.+)$/)
  return parts ? `${parts[1]}/${parts[2]}` : offer
}

function Launch({ offer, place }: { offer: Offer; place: Place }) {
  const [name, setName] = useState('')
  const [version, setVersion] = useState('')
  const [size, setSize] = useState('')
  const launch = useCommand<Launched>('catalog', 'launch', () => {})
  const images = useRecord<{ images: Image[] }>('image', 'list', { all: false })
  const product = productOf(offer.product, images.data?.images ?? [])
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        const wanted = version ? `${product}/${version}` : product
        launch.mutate({ product_os: wanted, name, size: size || undefined, ...given(place) }, { onSuccess: () => setName('') })
      }}
    >
      {launch.error && <Failure problem={launch.error} />}
      {launch.data && (
        <div className="notice good" role="status">
          <strong>{launch.data.name} is {launch.data.state}</strong>
          {Object.entries(launch.data.outputs).map(([key, value]) => (
            <span key={key}>
              {key}: <code>{value}</code>
            </span>
          ))}
        </div>
      )}
      <div className="filters">
        <label className="field">
          <span>Name</span>
          <input className="input" required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>Version</span>
          <select className="input" value={version} onChange={(event) => setVersion(event.target.value)}>
            <option value="">the newest</option>
            {offer.versions.map((one) => (
              <option key={one.version} value={one.version}>
                {one.version}
                {one.state !== 'active' && ` (${one.state})`}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>Size</span>
          <input className="input" placeholder="as the template says" value={size} onChange={(event) => setSize(event.target.value)} />
        </label>
        <button className="button first" disabled={launch.isPending}>
          {launch.isPending ? 'Launching…' : 'Launch'}
        </button>
      </div>
    </form>
  )
}

function given(place: Place) {
  return { account: place.account || undefined, region: place.region || undefined }
}

function Stop({ one, place }: { one: Launched; place: Place }) {
  const [sure, setSure] = useState(false)
  const terminate = useCommand('catalog', 'terminate', () => {})
  return (
    <span className="row">
      {sure ? (
        <>
          <button
            type="button"
            className="button bad"
            disabled={terminate.isPending}
            onClick={() => terminate.mutate({ name: one.name, ...given(place) })}
          >
            {terminate.isPending ? 'Ending…' : `End ${one.name} for good`}
          </button>
          <button type="button" className="button" onClick={() => setSure(false)}>
            Keep it
          </button>
        </>
      ) : (
        <button type="button" className="button bad" aria-label={`Stop ${one.name}…`} onClick={() => setSure(true)}>
          Stop…
        </button>
      )}
      {terminate.error && <Failure problem={terminate.error} />}
    </span>
  )
}

export default function Catalog() {
  const who = useSession()
  const [draft, setDraft] = useState<Place>({ account: '', region: '' })
  const [place, setPlace] = useState<Place>(draft)
  const offers = useRecord<{ products: Offer[]; principal: string; account_id: string; region: string }>('catalog', 'list', given(place))
  const launched = useRecord<{ launched: Launched[] }>('catalog', 'list', { launched: true, ...given(place) })
  const allowed = may(who, 'operator')
  return (
    <>
      <Head title="Catalog">
        <p className="soft">
          {offers.data
            ? `What ${offers.data.principal} may launch in ${offers.data.account_id}/${offers.data.region}.`
            : 'What your portfolio grants you.'}
        </p>
      </Head>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          setPlace(draft)
        }}
      >
        <label className="field">
          <span>Account</span>
          <input
            className="input"
            inputMode="numeric"
            pattern="[0-9]{12}"
            placeholder="your own"
            value={draft.account}
            onChange={(event) => setDraft({ ...draft, account: event.target.value })}
          />
        </label>
        <label className="field">
          <span>Region</span>
          <input
            className="input"
            placeholder="the first"
            value={draft.region}
            onChange={(event) => setDraft({ ...draft, region: event.target.value })}
          />
        </label>
        <button className="button">Show</button>
      </form>
      <Panel title="To launch">
        <Answer of={offers} what="the catalog">
          {(data) =>
            data.products.length === 0 ? (
              <Empty title="Nothing is offered to you here">A portfolio has to grant you a product in this account and region.</Empty>
            ) : (
              <ul className="offers">
                {[...data.products].sort((a, b) => a.product.localeCompare(b.product)).map((offer) => (
                  <li key={offer.product_id} className="stack">
                    <h3>{offer.product}</h3>
                    <span className="row">
                      {offer.versions.map((one) => (
                        <Badge key={one.version} tone={one.state === 'active' ? 'good' : 'warn'}>
                          {`${one.version} ${one.state}`}
                        </Badge>
                      ))}
                    </span>
                    {allowed && <Launch offer={offer} place={place} />}
                  </li>
                ))}
              </ul>
            )
          }
        </Answer>
      </Panel>
      <Panel title="Launched">
        <Answer of={launched} what="what was launched">
          {(data) =>
            data.launched.length === 0 ? (
              <Empty title="Nothing runs from the catalog here" />
            ) : (
              <div className="scroll" tabIndex={0} role="region" aria-label="What was launched">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Name</th>
                      <th scope="col">Product</th>
                      <th scope="col">State</th>
                      <th scope="col">Since</th>
                      <th scope="col">
                        <span className="hidden">Stop</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.launched.map((one) => (
                      <tr key={one.id}>
                        <th scope="row">{one.name}</th>
                        <td>{one.product}</td>
                        <td>
                          <Badge>{one.state}</Badge>
                          {one.state_reason && <div className="soft small">{one.state_reason}</div>}
                        </td>
                        <td>
                          <Time at={one.created_at} />
                        </td>
                        <td>{allowed && <Stop one={one} place={place} />}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Answer>
      </Panel>
    </>
  )
}
