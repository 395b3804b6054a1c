/** Matrices that were quantized in groups of inputs: every matmul reads what their bits stand for. */
import { afterAll, expect, test, vi } from 'vitest'
import { decodeToF32 } from '../../src/formats/blocks.ts'
import { f8E4m3ToNumber } from '../../src/formats/f8.ts'
import { f32ToF16Bits } from '../../src/formats/f16.ts'
import { groupedRowBytes, rowType } from '../../src/formats/grouped.ts'
import type { Grouping, RowType } from '../../src/formats/row-type.ts'
import type { BatchClass } from '../../src/gpu/tuning.ts'
import { linear, store } from '../../src/kernels/linear.ts'
import { createWeight, type Weight, weightBytes, writeRows } from '../../src/kernels/weight.ts'
import { createPackedRows, nativeLayout, packRow } from '../../src/model/repack.ts'
import { activation, misfits, openVariants, randomNumbers, run } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})
const { gpu } = variants[0]!

const PLAIN: Grouping = {
  kind: 'int4',
  group: 32,
  groups: 3,
  scale: 'f16',
  hasZeros: true,
  zero: 1,
  columns: undefined,
}
const COLS = 96

/** A row of random quants, small scales and random zero points. */
function randomRow(grouping: Grouping, seed: number): Uint8Array<ArrayBuffer> {
  const random = randomNumbers(seed)
  const { quants, scales } = groupedRowBytes(grouping, COLS / 32)
  const bytes = Uint8Array.from({ length: quants + scales }, () => Math.floor((random() + 1) * 128))
  // NaN has a test of its own.
  if (grouping.kind === 'f8_e4m3') for (let i = 0; i < quants; i++) if ((bytes[i]! & 127) === 127) bytes[i] = 3
  const view = new DataView(bytes.buffer)
  for (let g = 0; g < grouping.groups; g++) {
    const scale = random() / 64
    if (grouping.scale === 'f16') view.setUint16(quants + 2 * g, f32ToF16Bits(scale), true)
    else if (grouping.scale === 'f32') view.setFloat32(quants + 4 * g, scale, true)
    else {
      const [bits = 0] = new Uint32Array(Float32Array.of(scale).buffer)
      view.setUint16(quants + 2 * g, bits >>> 16, true)
    }
  }
  return bytes
}

async function upload(type: RowType, rows: readonly Uint8Array[]): Promise<Weight> {
  const layout = await nativeLayout([type])
  const weight = createWeight(gpu, type.grouping.kind, layout, rows.length, COLS)
  const packed = createPackedRows(layout, rows.length, COLS)
  for (const [i, row] of rows.entries()) packRow(type, row, packed, i)
  writeRows(gpu, weight, 0, packed)
  return weight
}

async function multiply(weight: Weight, batchClass: BatchClass, count: number) {
  const x = activation(gpu, 'x', { rows: count, cols: COLS, fill: randomNumbers(count) })
  const y = activation(gpu, 'y', { rows: count, cols: weight.rows, fill: () => 0 }).activation
  const got = await run(gpu, { rows: count }, (r) => linear(r, x.activation, weight, store(y), { batchClass }), {
    buffer: y.buffer,
    elements: count * y.stride,
  })
  return { x: x.values, at: (t: number, n: number) => got[t * y.stride + n]! }
}

test.each<[string, Grouping, BatchClass, number]>([
  ['four bits', PLAIN, 1, 1],
  ['four bits, bf16 scales, one zero point', { ...PLAIN, scale: 'bf16', hasZeros: false, zero: 8 }, 'many', 9],
  ['eight bits, one group a row', { ...PLAIN, kind: 'int8', group: 96, groups: 1 }, 1, 1],
  ['FP8', { ...PLAIN, kind: 'f8_e4m3', scale: 'f32', group: 64, groups: 2, hasZeros: false, zero: 0 }, 1, 1],
  ['FP8, bf16 scales', { ...PLAIN, kind: 'f8_e4m3', scale: 'bf16', hasZeros: false, zero: 0 }, 4, 3],
])('%s: products are those of the decoded weights', async (_, grouping, batchClass, count) => {
  const rows = 23
  const type = rowType(grouping, COLS)
  const stored = Array.from({ length: rows }, (_, row) => randomRow(grouping, row))
  const { x, at } = await multiply(await upload(type, stored), batchClass, count)
  const got: number[] = []
  const expected: number[] = []
  const sizes: number[] = []
  for (let t = 0; t < count; t++) {
    for (let n = 0; n < rows; n++) {
      const products = [...decodeToF32(type, stored[n]!)].map((w, k) => w * x[t * COLS + k]!)
      got.push(at(t, n))
      expected.push(products.reduce((a, b) => a + b, 0))
      sizes.push(products.reduce((a, b) => a + Math.abs(b), 0))
    }
  }
  expect(misfits(got, expected, (i) => 1e-5 * sizes[i]!)).toEqual([])
})

test('every number of FP8 has its value, and NaN stays one', async () => {
  const grouping: Grouping = { ...PLAIN, kind: 'f8_e4m3', scale: 'f32', group: 96, groups: 1, hasZeros: false, zero: 0 }
  const rows = Array.from({ length: 256 }, (_, code) => {
    const row = new Uint8Array(rowType(grouping, COLS).bytes)
    row[37] = code
    new DataView(row.buffer).setFloat32(96, 1, true)
    return row
  })
  const { x, at } = await multiply(await upload(rowType(grouping, COLS), rows), 1, 1)
  for (let code = 0; code < 256; code++) {
    const value = f8E4m3ToNumber(code)
    expect(Number.isNaN(at(0, code)), `code ${code}`).toBe(Number.isNaN(value))
    if (!Number.isNaN(value)) expect(Math.abs(at(0, code) - value * x[37]!)).toBeLessThanOrEqual(1e-6 * Math.abs(value))
  }
  expect([1, 7, 8, 0x38, 0x7e, 0xfe].map(f8E4m3ToNumber)).toEqual([2 ** -9, 7 * 2 ** -9, 2 ** -6, 1, 448, -448])
})

test('rows take no more than 1.03 times what files have for them, at the widths of real models', async () => {
  for (const cols of [3072, 4096, 14336]) {
    for (const [kind, bits] of [
      ['int4', 4],
      ['int8', 8],
    ] as const) {
      for (const [group, hasZeros] of [
        [32, true],
        [32, false],
        [128, true],
        [cols, false],
      ] as const) {
        const grouping: Grouping = { ...PLAIN, kind, group, groups: cols / group, hasZeros }
        const { quants, scales } = weightBytes(await nativeLayout([rowType(grouping, cols)]), 1024, cols)
        const file = 1024 * ((cols * bits) / 8 + (cols / group) * (2 + (hasZeros ? bits / 8 : 0)))
        expect((quants + scales) / file).toBeLessThanOrEqual(1.03)
      }
    }
  }
})
