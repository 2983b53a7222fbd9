import { expect, test } from 'vitest'

import { may, parseEvent } from '../api'
import { compare, packagesOf, tarOf } from '../bundle'
import { changeRows } from '../parts/charts'
import { branches } from '../parts/tree'
import { productOf } from '../pages/catalog'
import { duration, relative } from '../time'
import type { Image, Report, TreeNode } from '../types'
import { record } from './server'

test('lengths of time', () => {
  expect(duration(0)).toBe('0 s')
  expect(duration(59.6)).toBe('1 min')
  expect(duration(3700)).toBe('1 h 1 min')
  expect(duration(90061)).toBe('1 d 1 h')
  const now = Date.parse('2026-11-23T12:00:00Z')
  expect(relative('2026-11-23T11:00:00Z', now)).toBe('1 h ago')
  expect(relative('2026-11-25T12:00:00Z', now)).toBe('in 2 d')
  expect(relative('never', now)).toBe('never')
})

test('roles are by product, and a pattern is no expression', () => {
  const who = (product: string, role = 'approver') => ({ name: 'a', csrf: '', rights: [{ role, product }] })
  expect(may(who('Web-*'), 'approver', 'Web-1.0')).toBe(true)
  expect(may(who('Web-1.0'), 'approver', 'Web-1x0')).toBe(false)
  expect(may(who('*', 'viewer'), 'approver', 'Web-1.0')).toBe(false)
  expect(may(who('*', 'admin'), 'operator', 'Web-1.0')).toBe(true)
  expect(may(who('*', 'builder'), 'viewer')).toBe(true)
})

test('events of a stream', () => {
  expect(parseEvent('event: result\ndata: {"a":1}')).toEqual({ name: 'result', data: '{"a":1}' })
  expect(parseEvent('data: a\ndata: b')).toEqual({ name: 'message', data: 'a\nb' })
  expect(parseEvent(': nothing')).toEqual({ name: 'message', data: '' })
})

test('what changed, by severity', () => {
  const { report } = record<{ report: Report }>('image_report_waiting')
  const rows = changeRows(report.change_since_previous!, report.counts)
  expect(rows.map(({ severity }) => severity)).toEqual(['critical', 'high', 'medium', 'low'])
  expect(rows.reduce((sum, row) => sum + row.unchanged, 0)).toBe(report.change_since_previous!.unchanged)
})

test('an archive that tar can read', async () => {
  const blob = tarOf([{ name: 'a.txt', content: 'é' }, { name: 'b', base64: 'AP8=' }])
  const bytes = await new Promise<Uint8Array>((resolve) => {
    const reader = new FileReader()
    reader.onload = () => resolve(new Uint8Array(reader.result as ArrayBuffer))
    reader.readAsArrayBuffer(blob)
  })
  const text = (from: number, to: number) => new TextDecoder('latin1').decode(bytes.slice(from, to))
  expect(bytes.length).toBe(4 * 512 + 2 * 512)
  expect(text(0, 5)).toBe('a.txt')
  expect(text(124, 135)).toBe('00000000002')
  expect(text(257, 262)).toBe('ustar')
  const header = bytes.slice(0, 512).fill(32, 148, 156)
  expect(parseInt(text(148, 154), 8)).toBe(header.reduce((sum, byte) => sum + byte, 0))
  expect([...bytes.slice(3 * 512, 3 * 512 + 2)]).toEqual([0, 255])
  expect(() => tarOf([{ name: 'x'.repeat(101), content: '' }])).toThrow('too long')
})

test('packages of a real bundle, and their difference', () => {
  const { written_files: files } = record<{ written_files: { o: { name: string; content: string }[] } }>('image_evidence_waiting')
  const packages = packagesOf(files.o)
  expect(packages.get('openssl')).toBe('3.0.15-1')
  const before = new Map([['a', '1'], ['b', '1'], ['c', '1']])
  const after = new Map([['b', '2'], ['c', '1'], ['d', '1']])
  expect(compare(before, after)).toEqual([
    { name: 'a', before: '1', after: null },
    { name: 'b', before: '1', after: '2' },
    { name: 'd', before: null, after: '1' },
  ])
})

test('a tree from its rows', () => {
  const root = branches(record<{ images: TreeNode[] }>('image_tree').images).find(({ children }) => children.length > 0)!
  expect(root.node.kind).toBe('outside')
  expect(root.children.length).toBe(root.node.children.length)
})

test('the catalog names a product in its own way', () => {
  expect(productOf('Web-1.0-Debian-12', [])).toBe('Web-1.0/Debian-12')
  expect(productOf('Data-Base-2-Amazon-Linux-2023', [])).toBe('Data-Base-2/Amazon-Linux-2023')
  const { images } = record<{ images: Image[] }>('image_list')
  images[0].product = 'App-beta'
  expect(productOf(`App-beta-${images[0].os}`, images)).toBe(`App-beta/${images[0].os}`)
  expect(productOf('other', [])).toBe('other')
})
