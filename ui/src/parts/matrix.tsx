/// Where an image is: accounts down, regions across, each place with its own state.

import type { PlaceParameter, Target } from '../types'
import { Badge } from './basics'

export function Matrix({ targets, parameters }: { targets: Target[]; parameters: PlaceParameter[] }) {
  const accounts = [...new Set(targets.map(({ account_id }) => account_id))].sort()
  const regions = [...new Set(targets.map(({ region }) => region))].sort()
  const at = <T extends { account_id: string; region: string }>(all: T[], account: string, region: string) =>
    all.find((one) => one.account_id === account && one.region === region)
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Accounts and regions">
      <table className="matrix">
        <thead>
          <tr>
            <th scope="col">Account</th>
            {regions.map((region) => (
              <th key={region} scope="col">
                {region}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {accounts.map((account) => (
            <tr key={account}>
              <th scope="row" className="mono">
                {account}
              </th>
              {regions.map((region) => {
                const target = at(targets, account, region)
                const parameter = at(parameters, account, region)
                if (!target) {
                  return (
                    <td key={region} className="soft">
                      –<span className="hidden">not a target</span>
                    </td>
                  )
                }
                return (
                  <td key={region}>
                    <Badge>{target.state}</Badge>
                    <div className="small mono">{target.image_id}</div>
                    <div className="small soft">{target.delivery}</div>
                    {parameter && !parameter.value && <Badge tone="bad">no parameter</Badge>}
                    {parameter?.value && !parameter.latest && <Badge tone="warn">not in latest</Badge>}
                    {target.detail && <div className="small">{target.detail}</div>}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
