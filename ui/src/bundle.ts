/// The evidence bundle as it comes from the API: its files, the list of packages in it, and all of it as
/// one tar archive to keep.

import { read } from './api'
import type { SentFile } from './types'

interface Evidence {
  image_key: string
  written_files: { o: SentFile[] }
}

/// A name for it; the command writes nothing beside.
const name = 'evidence'

export async function bundleOf(reference: string): Promise<SentFile[]> {
  const evidence = await read<Evidence>('image', 'evidence', { ref: reference, o: name })
  return evidence.written_files.o
}

export function bytesOf(file: SentFile): Uint8Array<ArrayBuffer> {
  if (file.base64 === undefined) return new TextEncoder().encode(file.content ?? '')
  const text = atob(file.base64)
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

const block = 512

/// POSIX ustar: a header of 512 bytes for each file, its bytes, and zeros to the next block.
export function tarOf(files: SentFile[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for (const file of files) {
    const bytes = bytesOf(file)
    const header = new Uint8Array(block)
    const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at)
    const path = new TextEncoder().encode(file.name)
    if (path.length > 100) throw new Error(`the name ${file.name} is too long for an archive`)
    header.set(path, 0)
    put('0000644\0', 100)
    put('0000000\0', 108)
    put('0000000\0', 116)
    put(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
    put('00000000000\0', 136)
    put('        ', 148)
    put('0', 156)
    put('ustar\x0000', 257)
    const sum = header.reduce((all, byte) => all + byte, 0)
    put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    parts.push(header, bytes, new Uint8Array((block - (bytes.length % block)) % block))
  }
  parts.push(new Uint8Array(2 * block))
  return new Blob(parts, { type: 'application/x-tar' })
}

export type Packages = Map<string, string>

interface CycloneDx {
  components?: { type?: string; name: string; version?: string; purl?: string }[]
}

/// Installed packages of a bundle: name to version; several versions of one name are joined.
export function packagesOf(files: SentFile[]): Packages {
  const file = files.find((one) => one.name.endsWith('sbom.cdx.json'))
  if (!file) throw new Error('there is no sbom.cdx.json in the evidence')
  const sbom = JSON.parse(new TextDecoder().decode(bytesOf(file))) as CycloneDx
  const versions = new Map<string, string[]>()
  for (const { name: of, version = '' } of sbom.components ?? []) versions.set(of, [...(versions.get(of) ?? []), version])
  return new Map([...versions].map(([of, all]) => [of, all.sort().join(', ')]))
}

export interface PackageChange {
  name: string
  before: string | null
  after: string | null
}

export function compare(before: Packages, after: Packages): PackageChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names
    .map((of) => ({ name: of, before: before.get(of) ?? null, after: after.get(of) ?? null }))
    .filter((change) => change.before !== change.after)
}
