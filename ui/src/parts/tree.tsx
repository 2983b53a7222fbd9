/// What images are made from, as a list within lists: readable by eye, by ear and by keyboard.

import type { TreeNode } from '../types'
import { Badge } from './basics'

interface Branch {
  node: TreeNode
  children: Branch[]
}

/// Nodes come in the order of the tree, each with its depth.
export function branches(nodes: TreeNode[]): Branch[] {
  const roots: Branch[] = []
  const path: Branch[] = []
  for (const node of nodes) {
    const branch: Branch = { node, children: [] }
    const above = path[node.depth - 1]
    if (node.depth > 0 && above) above.children.push(branch)
    else roots.push(branch)
    path[node.depth] = branch
    path.length = node.depth + 1
  }
  return roots
}

function List({ of, here }: { of: Branch[]; here?: string }) {
  return (
    <ul className="tree">
      {of.map(({ node, children }) => (
        <li key={`${node.image_id}/${node.name}`}>
          <span className="row">
            {node.kind === 'golden' ? (
              <a href={`#/images/${node.name}`} aria-current={node.name === here ? 'true' : undefined}>
                {node.name === here ? <b>{node.name}</b> : node.name}
              </a>
            ) : (
              <span>
                {node.name} <span className="soft small">source</span>
              </span>
            )}
            {node.state && <Badge>{node.state}</Badge>}
            {node.vulnerable && <Badge tone="bad">vulnerable</Badge>}
            {node.marks.map((mark, i) => (
              <Badge key={i} tone="warn">
                {mark}
              </Badge>
            ))}
          </span>
          {children.length > 0 && <List of={children} here={here} />}
        </li>
      ))}
    </ul>
  )
}

export function Tree({ nodes, here }: { nodes: TreeNode[]; here?: string }) {
  return <List of={branches(nodes)} here={here} />
}
