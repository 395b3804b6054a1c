/** A weight layout costs its own description: this one is nobody's, lives in this file, and goes through every matmul. */
import { afterAll, expect, test, vi } from 'vitest'
import { readShader } from '../../shaders/contract.ts'
import { f16ToNumber, f32ToF16Bits } from '../../src/formats/f16.ts'
import type { ShaderModule } from '../../src/gpu/shader.ts'
import type { BatchClass, MatmulVariant } from '../../src/gpu/tuning.ts'
import { linear, store } from '../../src/kernels/linear.ts'
import { createWeight, weightBytes, writeRows } from '../../src/kernels/weight.ts'
import type { WeightLayout } from '../../src/kernels/weight-layouts.ts'
import { createPackedRows, packRow } from '../../src/model/repack.ts'
import { activation, misfits, openVariants, randomNumbers, run, withMatmul } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

/** Four bits between the least and the largest weight of a block, both of which are kept as f16. Input i is nibble i. */
const SHADER = `// provides: weights
override K_BLOCKS: u32;

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS]
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS] (least, step)

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let block = row * K_BLOCKS + quad / 8u;
  let word = weights[block][(quad / 2u) & 3u] >> (16u * (quad & 1u));
  let range = unpack2x16float(scales[block]);
  return range.x + range.y * vec4f((vec4u(word) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u));
}

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

const QUADS_PER_STEP = 8u;

struct Inputs {
  at: u32,
}

fn load_inputs(at: u32) -> Inputs {
  return Inputs(at);
}

fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  var sum = 0.0;
  for (var quad = 0u; quad < 8u; quad++) {
    sum += dot(weight_quad(row, step * 8u + quad), x[inputs.at + quad]);
  }
  return sum;
}
`
const shader = readShader('weights_range.wgsl', SHADER) as ShaderModule

const range: WeightLayout = {
  name: 'range',
  rowBytes: (n) => ({ quants: 16 * n, scales: 4 * n }),
  steps: 1,
  parts: (_, { quants, scales }, constants) => [
    { module: shader, bindings: { weights: quants, scales: scales! }, constants: { ...constants } },
  ],
  exact: {},
  pack(values, { quants, scales }) {
    const halves = new Uint16Array(scales.buffer, scales.byteOffset, scales.byteLength / 2)
    for (let block = 0; block < halves.length / 2; block++) {
      const own = Array.from({ length: 32 }, (_, i) => values[32 * block + i] ?? 0)
      halves[2 * block] = f32ToF16Bits(Math.min(...own))
      const least = f16ToNumber(halves[2 * block]!)
      halves[2 * block + 1] = f32ToF16Bits((Math.max(...own) - least) / 15)
      const step = f16ToNumber(halves[2 * block + 1]!) || 1
      for (const [i, value] of own.entries()) {
        const quant = Math.min(15, Math.max(0, Math.round((value - least) / step)))
        quants[16 * block + (i >> 1)]! |= quant << (4 * (i & 1))
      }
    }
  },
}

/** What the packed rows stand for. */
function unpack({ quants, scales }: { quants: Uint8Array; scales: Uint8Array }): Float64Array {
  const view = new DataView(scales.buffer, scales.byteOffset)
  return Float64Array.from({ length: 2 * quants.length }, (_, i) => {
    const block = i >> 5
    const quant = (quants[i >> 1]! >> (4 * (i & 1))) & 15
    return f16ToNumber(view.getUint16(4 * block, true)) + f16ToNumber(view.getUint16(4 * block + 2, true)) * quant
  })
}

const [N, K] = [70, 96]

test.each<[kernel: MatmulVariant, batchClass: BatchClass, rows: number]>([
  ['vector', 1, 1],
  ['rows1', 1, 1],
  ['batch8', 'many', 9],
  ['rows8', 'many', 9],
  ['tile', 'many', 33],
])('a layout of this file is multiplied by the %s kernel', async (variant, batchClass, rows) => {
  const { gpu } = variants[0]!
  const random = randomNumbers(rows)
  const weight = createWeight(gpu, 'made up', range, N, K)
  expect([weight.quants.size, weight.scales?.size]).toEqual([72 * 3 * 16, 72 * 3 * 4])
  expect(weightBytes(range, N, K)).toEqual({ quants: 72 * 3 * 16, scales: 72 * 3 * 4 })
  const packed = createPackedRows(range, N, K)
  const exact = Float32Array.from({ length: N * K }, random)
  for (let row = 0; row < N; row++) {
    packRow('f32', new Uint8Array(exact.slice(row * K, (row + 1) * K).buffer), packed, row)
  }
  writeRows(gpu, weight, 0, packed)
  const w = unpack(packed)
  expect(misfits(w, exact, () => 2 / 15 / 2 + 1e-2)).toEqual([])

  const x = activation(gpu, 'x', { rows, cols: K, fill: random })
  const y = activation(gpu, 'y', { rows, cols: N, fill: random })
  const device = withMatmul(gpu, variant)
  const { stride, buffer } = y.activation
  const record = (r: Parameters<typeof linear>[0]) =>
    linear(r, x.activation, weight, store(y.activation), { batchClass })
  const got = await run(device, { rows }, record, { buffer, elements: rows * stride })
  const expected = new Float64Array(rows * stride)
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < N; col++) {
      for (let k = 0; k < K; k++) expected[row * stride + col]! += x.values[row * K + k]! * w[col * K + k]!
    }
  }
  expect(misfits(got, expected, () => 1e-4)).toEqual([])
})
