/** Writes that go through a few buffers, which are used again and again. */
import { afterAll, expect, test } from 'vitest'
import type { Buffer } from '../../src/gpu/buffer.ts'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { StagedWrites } from '../../src/gpu/staged-writes.ts'
import { disabledFeatures } from '../support/features.ts'
import { random } from '../support/fixtures.ts'

const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC
const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

test('bytes come to their places, whatever their number, and the buffers are freed', async () => {
  const next = random(5)
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
  expect(await bytesOf(target)).toEqual(expected)
  target.destroy()
})

test('what is expected is cleared before it is begun, and never behind that', async () => {
  const buffers = Array.from({ length: 6 }, (_, i) => gpu.createBuffer(`expected ${i}`, 1024, usage))
  const staged = new StagedWrites(gpu, { slots: 2, bytes: 256 }, 1500)
  staged.expect(buffers)
  staged.touchAhead()
  for (const [i, buffer] of buffers.entries()) {
    // One is begun before its turn, while it is not cleared yet.
    if (i === 1) staged.begin([buffers[5]!])
    if (i === 2) staged.write(buffers[5]!, 4, new Uint8Array(1000).fill(99))
    if (i < 5) staged.begin([buffer])
    await staged.room()
    if (i < 5) staged.write(buffer, 512, new Uint8Array(300).fill(i + 1))
    staged.submit()
  }
  await gpu.finish()
  staged.destroy()
  for (const [i, buffer] of buffers.entries()) {
    const [at, length, value] = i === 5 ? [4, 1000, 99] : [512, 300, i + 1]
    expect(await bytesOf(buffer)).toEqual(new Uint8Array(1024).fill(value, at, at + length))
    buffer.destroy()
  }
})

async function bytesOf(buffer: Buffer): Promise<Uint8Array> {
  const readback = new Readback(gpu, 'read', buffer.size)
  const encoder = gpu.device.createCommandEncoder()
  readback.copy(encoder, buffer, buffer.size)
  gpu.submit(encoder.finish())
  const bytes = new Uint8Array(await readback.read(buffer.size)).slice()
  readback.destroy()
  return bytes
}
