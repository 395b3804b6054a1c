/** A device that only counts. */
import { afterAll, expect, test } from 'vitest'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { ledgerOf } from '../../src/gpu/ledger.ts'
import { openGpu } from '../../src/gpu/open.ts'

const gpu = await openGpu({ backend: 'null' })
afterAll(() => gpu.dispose())

test('counts what would be made, and never asks for what would be written', () => {
  const before = gpu.counters.bytesAlive
  const ledger = ledgerOf(gpu)
  const buffer = ledger.createBuffer('large', 64_000_000, BufferUsage.STORAGE | BufferUsage.COPY_DST)
  ledger.write(buffer, 0, () => {
    throw new Error('nobody keeps it')
  })
  expect(ledger.counters.bytesAlive).toBe(64_000_000)
  expect(ledger.refused).toEqual([])
  expect(gpu.counters.bytesAlive).toBe(before)
})

test('notes what the device would refuse, once for each name', () => {
  const ledger = ledgerOf(gpu)
  for (let i = 0; i < 2; i++) ledger.createBuffer('huge', 2 ** 50, BufferUsage.STORAGE)
  expect(ledger.refused.map(({ what }) => what)).toEqual(['huge'])
})
