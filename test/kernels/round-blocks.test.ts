/** Weights that the GPU rounds are, bit for bit, those that the CPU rounds. */
import { afterAll, describe, expect, test } from 'vitest'
import { storedBytes } from '../../src/formats/blocks.ts'
import { f32ToF16Bits as f16 } from '../../src/formats/f16.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { ROUND_BLOCKS } from '../../src/gpu/shaders.gen.ts'
import type { RoundingSums } from '../../src/kernels/quantize.ts'
import { BlockRounder, type RoundedType } from '../../src/kernels/round-blocks.ts'
import { ROUNDED_LAYOUTS } from '../../src/kernels/rounding.ts'
import { type Weight, weightBytes } from '../../src/kernels/weight.ts'
import { createPackedRows, packRows } from '../../src/model/repack.ts'
import { openVariants, randomNumbers } from '../support/gpu.ts'

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

function createWeight(gpu: Gpu, type: 'q4' | 'q8', rows: number, cols: number): Weight {
  const layout = ROUNDED_LAYOUTS[type]
  const bytes = weightBytes(layout, rows, cols)
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
  const quants = gpu.createBuffer('quants', bytes.quants, usage)
  const scales = gpu.createBuffer('scales', bytes.scales, usage)
  return { label: type, layout, rows, cols, quants, scales, bias: undefined }
}

async function readAll(gpu: Gpu, weight: Weight): Promise<{ quants: Uint8Array; scales: Uint8Array }> {
  const read = async (buffer: Weight['quants']) => {
    const readback = new Readback(gpu, 'readback', buffer.size)
    const encoder = gpu.device.createCommandEncoder()
    readback.copy(encoder, buffer, buffer.size)
    gpu.submit(encoder.finish())
    const bytes = new Uint8Array(await readback.read(buffer.size))
    readback.destroy()
    return bytes
  }
  return { quants: await read(weight.quants), scales: await read(weight.scales!) }
}

interface Case {
  readonly to: 'q4' | 'q8'
  readonly from: RoundedType
  readonly rows: number
  readonly cols: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Rounds all rows both ways, and compares. */
async function compare(
  gpu: Gpu,
  { to, from, rows, cols, bytes }: Case,
): Promise<{ gpu: RoundingSums; cpu: RoundingSums }> {
  const weight = createWeight(gpu, to, rows, cols)
  const rounder = new BlockRounder(gpu, 2)
  const matrix = await rounder.open([weight], from, rows)
  matrix.put(0, rows, [{ bytes, index: 0, step: 1, count: rows, kind: 1 }])
  const found = await readAll(gpu, weight)
  const [none, sums] = await rounder.lost()
  expect(none).toEqual({ error: 0, total: 0 })
  rounder.destroy()
  weight.quants.destroy()
  weight.scales!.destroy()
  const packed = createPackedRows(ROUNDED_LAYOUTS[to], rows, cols)
  const cpu = { error: 0, total: 0 }
  packRows(from, bytes, packed, { index: 0, step: 1, count: rows }, cpu)
  const [quantBytes, scaleBytes] = to === 'q4' ? [16, 2] : [32, 2]
  const elements = storedBytes(from, 32)
  for (let block = 0; block < (rows * cols) / 32; block++) {
    const of = (from: { quants: Uint8Array; scales: Uint8Array }) => ({
      scale: from.scales.slice(block * scaleBytes, (block + 1) * scaleBytes),
      quants: from.quants.slice(block * quantBytes, (block + 1) * quantBytes),
    })
    const [got, want] = [of(found), of(packed)]
    if (`${got.scale} ${got.quants}` !== `${want.scale} ${want.quants}`) {
      expect(got, `block ${block}: ${bytes.slice(block * elements, (block + 1) * elements)}`).toEqual(want)
    }
  }
  return { gpu: sums!, cpu }
}

const floats = (count: number, make: (i: number) => number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => make(i))

/** Upper halves of f32, which are bf16. */
function brain(values: Float32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16).buffer)
}

const BLOCKS = 1024
const KINDS: Readonly<Record<string, (random: () => number) => Float32Array<ArrayBuffer>>> = {
  normal: (random) => floats(32 * BLOCKS, () => (random() + random() + random()) * 0.02),
  'of all sizes': (random) => {
    const sizes = floats(BLOCKS, () => 2 ** Math.floor(44 * (random() / 2 + 0.5) - 26))
    return floats(32 * BLOCKS, (i) => (random() + random()) * sizes[i >> 5]!)
  },
  'few bits': (random) => floats(32 * BLOCKS, () => Math.round(16 * random()) / 16),
  'two sizes': (random) => floats(32 * BLOCKS, () => (random() > 0 ? 1 : -1) * (random() > 0 ? 1 : 0.5625)),
  'large beside small': (random) => floats(32 * BLOCKS, () => random() * 2 ** Math.floor(14 * random())),
  'mostly zeros': (random) => floats(32 * BLOCKS, () => (random() > 0.8 ? random() : random() > 0 ? 0 : -0)),
  'any bits': (random) => {
    const words = Uint32Array.from({ length: 32 * BLOCKS }, () => Math.floor((random() + 1) * 2 ** 31))
    return new Float32Array(words.buffer)
  },
}

describe.each(variants)('$name', ({ gpu }) => {
  describe.each(['q4', 'q8'] as const)('to %s', (to) => {
    test.each(['bf16', 'f16', 'f32'] as const)('%s', async (from) => {
      const random = randomNumbers(7)
      for (const [kind, fill] of Object.entries(KINDS)) {
        const values = fill(random)
        const bytes =
          from === 'bf16'
            ? brain(values)
            : from === 'f32'
              ? new Uint8Array(values.buffer)
              : new Uint8Array(Uint16Array.from(values, f16).buffer)
        const sums = await compare(gpu, { to, from, rows: BLOCKS / 8, cols: 256, bytes })
        if (Number.isFinite(sums.cpu.error) && sums.cpu.error < 1e30) {
          expect(sums.gpu.error / sums.cpu.error, kind).toBeCloseTo(1, 4)
          expect(sums.gpu.total / sums.cpu.total, kind).toBeCloseTo(1, 4)
        }
      }
    })
  })

  test('more blocks than threads have places, an odd number of them', async () => {
    const random = randomNumbers(3)
    const rows = 2 * ROUND_BLOCKS.SLOTS + 1003
    const bytes = brain(floats(32 * rows, random))
    const sums = await compare(gpu, { to: 'q4', from: 'bf16', rows, cols: 32, bytes })
    expect(sums.gpu.error / sums.cpu.error).toBeCloseTo(1, 4)
    expect(sums.gpu.total / sums.cpu.total).toBeCloseTo(1, 4)
  })
})
