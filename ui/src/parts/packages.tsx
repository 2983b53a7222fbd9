/// Which packages came, went or moved since the golden version: from the lists in both evidence bundles.
/// They are large, so they are fetched when somebody asks.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { bundleOf, compare, packagesOf, type PackageChange } from '../bundle'
import type { Problem } from '../api'
import type { Image } from '../types'
import { Answer, Badge, Panel, useShown } from './basics'

function Changes({ changes }: { changes: PackageChange[] }) {
  const { shown, more } = useShown(changes)
  if (changes.length === 0) return <p>Both have the same packages in the same versions.</p>
  const kind = ({ before, after }: PackageChange) => (before === null ? 'added' : after === null ? 'removed' : 'changed')
  return (
    <>
      <div className="scroll" tabIndex={0} role="region" aria-label="Packages that changed">
        <table>
          <thead>
            <tr>
              <th scope="col">Package</th>
              <th scope="col">What</th>
              <th scope="col">Before</th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((change) => (
              <tr key={change.name}>
                <td>
                  <code>{change.name}</code>
                </td>
                <td>
                  <Badge tone={kind(change) === 'changed' ? 'info' : 'warn'}>{kind(change)}</Badge>
                </td>
                <td className="mono">{change.before ?? '–'}</td>
                <td className="mono">{change.after ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more}
    </>
  )
}

export function PackageChanges(props: { image: Image; packages: number; since?: string; sinceCount?: number }) {
  const { image, since } = props
  const [wanted, setWanted] = useState(false)
  const changes = useQuery<PackageChange[], Problem>({
    queryKey: ['image', 'evidence', 'packages', since, image.image_key],
    enabled: wanted && since !== undefined,
    staleTime: Infinity,
    queryFn: async () => {
      const [before, after] = await Promise.all([bundleOf(since as string), bundleOf(image.image_key)])
      return compare(packagesOf(before), packagesOf(after))
    },
  })
  return (
    <Panel title="Packages">
      <p>
        {props.packages} {props.packages === 1 ? 'package' : 'packages'}{props.sinceCount !== undefined && `, ${props.sinceCount} in ${since}`}.
      </p>
      {since !== undefined && !wanted && (
        <div>
          <button type="button" className="button" onClick={() => setWanted(true)}>
            Compare with {since}
          </button>
        </div>
      )}
      {wanted && (
        <Answer of={changes} what="both lists of packages">
          {(data) => <Changes changes={data} />}
        </Answer>
      )}
    </Panel>
  )
}
