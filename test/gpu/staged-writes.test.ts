/** Writes that go through a few buffers, which are used again and again. */
import { afterAll, expect, test } from 'vitest'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { StagedWrites } from '../../src/gpu/staged-writes.ts'
import { disabledFeatures } from '../support/features.ts'
import { random } from '../support/fixtures.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

test('bytes come to their places, whatever their number, and the buffers are freed', async () => {
  const next = random(5)
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC
  const target = gpu.createBuffer('target', 20_000, usage)
  const before = gpu.counters.bytesAlive
  const staged = new StagedWrites(gpu, { slots: 5, bytes: 256 })
  const expected = new Uint8Array(target.size)
  for (let at = 0; at < expected.length; ) {
    // Now and then more than all of the buffers hold.
    const length = 4 * Math.ceil(next() * (next() < 0.1 ? 600 : 100))
    const bytes = Uint8Array.from({ length: Math.min(length, expected.length - at) }, () => Math.floor(next() * 256))
    if (next() < 0.7) await staged.room()
    // What is given may be used again at once.
    staged.write(target, at, bytes)
    expected.set(bytes, at)
    at += bytes.length
    bytes.fill(0)
    if (next() < 0.7) staged.submit()
  }
  staged.submit()
  await gpu.finish()
  staged.destroy()
  expect(gpu.counters.bytesAlive).toBe(before)
  const readback = new Readback(gpu, 'read', target.size)
  const encoder = gpu.device.createCommandEncoder()
  readback.copy(encoder, target, target.size)
  gpu.submit(encoder.finish())
  expect(new Uint8Array(await readback.read(target.size))).toEqual(expected)
  readback.destroy()
  target.destroy()
})
