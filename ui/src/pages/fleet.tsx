/// What runs, and whether it runs from golden images; how old findings are.

import { useMemo, useState } from 'react'

import { may } from '../api'
import { Answer, Badge, Choice, Empty, Failure, Head, Moment, Panel, useShown } from '../parts/basics'
import { PartsBar, TrendChart } from '../parts/charts'
import { FindingAges } from '../parts/finding_ages'
import { useCommand, useRecord } from '../records'
import { useSession } from '../session'
import { verdicts, type Compliance, type Machine, type TrendDay, type VerdictCounts } from '../types'

const fills: Record<string, string> = {
  compliant: 'fill-good',
  exempt: 'fill-low',
  derived: 'fill-low',
  superseded: 'fill-medium',
  unknown: 'fill-high',
  'non-compliant': 'fill-bad',
}

function Bar({ counts, label }: { counts: VerdictCounts; label: string }) {
  return (
    <PartsBar label={label} parts={[...verdicts].reverse().map((name) => ({ name, value: counts[name], fill: fills[name] }))} />
  )
}

function Figures({ report }: { report: Compliance }) {
  return (
    <div className="figures">
      {verdicts
        .filter((verdict) => report.counts[verdict] > 0 || verdict === 'compliant' || verdict === 'non-compliant')
        .map((verdict) => (
          <div key={verdict} className="figure">
            <b>{report.counts[verdict]}</b>
            <span>{verdict}</span>
          </div>
        ))}
    </div>
  )
}

const total = (counts: VerdictCounts) => verdicts.reduce((sum, verdict) => sum + counts[verdict], 0)

function Places({ report, at }: { report: Compliance; at: string }) {
  const places = report.places.filter((place) => total(place.counts) > 0 || place.problems.length > 0)
  const bad = (counts: VerdictCounts) => counts['non-compliant'] + counts.unknown
  const rows = [...places].sort((a, b) => bad(b.counts) - bad(a.counts))
  if (rows.length === 0) return <p className="soft">Nothing runs in any place we know.</p>
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Compliance by account and region">
      <table>
        <thead>
          <tr>
            <th scope="col">Account</th>
            <th scope="col">Region</th>
            <th scope="col" className="number">
              Bad
            </th>
            <th scope="col" className="number">
              Of
            </th>
            <th scope="col">Verdicts</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((place) => (
            <tr key={`${place.account_id}/${place.region}`}>
              <th scope="row" className="mono">
                {place.account_id}
              </th>
              <td>
                {place.region}
                {place.checked_at && place.checked_at !== at && (
                  <div className="soft small">
                    <Moment at={place.checked_at} />
                  </div>
                )}
              </td>
              <td className="number">{bad(place.counts)}</td>
              <td className="number">{total(place.counts)}</td>
              <td className="wide">
                <Bar counts={place.counts} label={`${place.account_id} ${place.region}`} />
                {place.problems.map((problem, i) => (
                  <div key={i} className="small">
                    <Badge tone="bad">not looked at</Badge> {problem}
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Machines({ machines }: { machines: Machine[] }) {
  const [verdict, setVerdict] = useState('all')
  const [text, setText] = useState('')
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    return machines.filter(
      (one) =>
        (verdict === 'all' || one.verdict === verdict) &&
        `${one.name} ${one.machine_id} ${one.image_id} ${one.image_key} ${one.account_id} ${one.region} ${one.launched_by}`
          .toLowerCase()
          .includes(wanted),
    )
  }, [machines, verdict, text])
  const { shown, more } = useShown(rows)
  return (
    <Panel title="What runs, the worst first">
      <div className="filters">
        <Choice
          label="Verdict"
          value={verdict}
          onChange={setVerdict}
          options={[
            { value: 'all', text: 'all', count: machines.length },
            ...verdicts
              .map((value) => ({ value, text: value, count: machines.filter((one) => one.verdict === value).length }))
              .filter(({ count }) => count > 0),
          ]}
        />
        <label className="field">
          <span className="hidden">Search machines</span>
          <input
            className="input"
            type="search"
            placeholder="name, id, image, account"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
      </div>
      {rows.length === 0 ? (
        <Empty title="No such machines" />
      ) : (
        <div className="scroll" tabIndex={0} role="region" aria-label="Machines">
          <table>
            <thead>
              <tr>
                <th scope="col">Verdict</th>
                <th scope="col">Machine</th>
                <th scope="col">Where</th>
                <th scope="col">Image</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((one) => (
                <tr key={`${one.account_id}/${one.region}/${one.machine_id}`}>
                  <td>
                    <Badge>{one.verdict}</Badge>
                  </td>
                  <td>
                    {one.name || '(no name)'}
                    <div className="soft small mono">{one.machine_id}</div>
                    {one.kind !== 'machine' && <div className="soft small">{one.kind.replaceAll('_', ' ')}</div>}
                  </td>
                  <td className="small">
                    <span className="mono">{one.account_id}</span>
                    <div>{one.region}</div>
                  </td>
                  <td className="small">
                    {one.image_key ? <a href={`#/images/${one.image_key}`}>{one.image_key}</a> : <span className="soft">not ours</span>}
                    <div className="soft mono">{one.image_id}</div>
                  </td>
                  <td className="wide small">
                    {one.reason}
                    {one.launched_by && <div className="soft">launched by {one.launched_by}</div>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more}
    </Panel>
  )
}

function Checked({ report, at }: { report: Compliance; at: string }) {
  return (
    <>
      {report.warnings.length > 0 && (
        <div className="notice warn">
          {report.warnings.map((warning, i) => (
            <span key={i}>{warning}</span>
          ))}
        </div>
      )}
      <Panel
        title="By account and region"
        aside={
          <span className="soft small">
            as of <Moment at={at} />
          </span>
        }
      >
        <Figures report={report} />
        <Places report={report} at={at} />
      </Panel>
      <Machines machines={report.machines} />
    </>
  )
}

export default function Fleet() {
  const who = useSession()
  const trend = useRecord<{ days: TrendDay[] }>('compliance', 'trend', { days: 90 })
  const last = useRecord<Compliance>('compliance', 'show')
  const check = useCommand<Compliance>('compliance', 'check')
  const run = () => check.mutate({})
  const allowed = may(who, 'operator')
  return (
    <>
      <Head
        title="Fleet"
        actions={
          allowed && (
            <button type="button" className="button first" disabled={check.isPending} onClick={run}>
              {check.isPending ? 'Looking at all places…' : 'Check now'}
            </button>
          )
        }
      >
        <p className="soft">Which machines, templates and groups run from golden images, in every account and region.</p>
      </Head>
      {check.error && <Failure problem={check.error} again={run} />}
      <div className="columns">
        <Panel title="Trend">
          <Answer of={trend} what="the trend">
            {(data) => {
              const last = data.days[data.days.length - 1]
              if (!last) return <Empty title="Nothing was checked yet">The trend begins with the first check.</Empty>
              return (
                <>
                  <p>
                    On {last.day}, <b>{last.fine}</b> of <b>{last.checked}</b> were fine in {last.places} places
                    {last.places_with_problems > 0 && `; ${last.places_with_problems} could not be looked at`}.
                  </p>
                  <TrendChart days={data.days} />
                </>
              )
            }}
          </Answer>
        </Panel>
        <FindingAges />
      </div>
      <Answer of={last} what="the last checks">
        {(report) =>
          report.checked_at === null ? (
            <section className="panel">
              {check.isPending ? (
                <Empty title="Looking at all places…" />
              ) : (
                <Empty title="Which machines, and why?">
                  {allowed ? (
                    <p>“Check now” looks at all accounts and regions and says of each machine whether it is fine, and why.</p>
                  ) : (
                    <p>Somebody who may operate, or a schedule, has to make the first check.</p>
                  )}
                </Empty>
              )}
            </section>
          ) : (
            <Checked report={report} at={report.checked_at} />
          )
        }
      </Answer>
    </>
  )
}
