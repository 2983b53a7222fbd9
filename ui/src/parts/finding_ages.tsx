/// How many findings active images have, how old they are, and how that went.

import { useState } from 'react'

import { useRecord } from '../records'
import { duration } from '../time'
import { severities, type Ages } from '../types'
import { Answer, Empty, Panel, SeverityName } from './basics'
import { FindingsChart, PartsBar } from './charts'

/// Of all products, or of one.
function History({ ages }: { ages: Ages }) {
  const [product, setProduct] = useState('')
  const { history } = ages
  if (!history) return null
  const days = history.products.find((one) => one.product === product)?.days ?? history.all
  return (
    <>
      <label className="field">
        <span>Over time, of</span>
        <select className="input" value={product} onChange={(event) => setProduct(event.target.value)}>
          <option value="">all products</option>
          {history.products.map((one) => (
            <option key={one.product}>{one.product}</option>
          ))}
        </select>
      </label>
      <FindingsChart days={days} of={product || 'all products'} />
    </>
  )
}

export function FindingAges() {
  const ages = useRecord<Ages>('image', 'ages', { days: 90 })
  return (
    <Panel title="Findings in active images">
      <Answer of={ages} what="findings">
        {(data) => {
          const known = severities.filter((severity) => data.all[severity])
          if (known.length === 0) return <Empty title="No findings known">They appear once an active image was assessed.</Empty>
          return (
            <>
              <PartsBar
                label="Open findings"
                parts={known.map((name) => ({ name, value: data.all[name]?.open ?? 0, fill: `fill-${name}` }))}
              />
              <div className="scroll" tabIndex={0} role="region" aria-label="Findings by severity">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Severity</th>
                      <th scope="col" className="number">Open</th>
                      <th scope="col" className="number">Waived</th>
                      <th scope="col">Oldest</th>
                      <th scope="col" className="number">Fixed</th>
                      <th scope="col">Time to fix</th>
                    </tr>
                  </thead>
                  <tbody>
                    {known.map((severity) => {
                      const age = data.all[severity]
                      if (!age) return null
                      return (
                        <tr key={severity}>
                          <th scope="row">
                            <SeverityName of={severity} />
                          </th>
                          <td className="number">{age.open}</td>
                          <td className="number">{age.waived}</td>
                          <td>{age.open > 0 ? duration(age.oldest_age_seconds, 1) : '–'}</td>
                          <td className="number">{age.fixed}</td>
                          <td>{age.fixed > 0 ? duration(age.median_time_to_fix_seconds, 1) : '–'}</td>
                        </tr>
                      )
                    })}
                  </tbody>
                </table>
              </div>
              <History ages={data} />
              <p className="soft small">Fixed within 90 days; the middle one's time to fix.</p>
            </>
          )
        }}
      </Answer>
    </Panel>
  )
}
