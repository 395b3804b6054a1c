/** Models whose weights the GPU rounds while they are loaded are those that the CPU makes, byte for byte. */
import { afterAll, expect, test } from 'vitest'
import { AbortError } from '../../src/errors.ts'
import type { Buffer } from '../../src/gpu/buffer.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { digestOf } from '../../src/model/fingerprint.ts'
import { roundsOnGpu } from '../../src/model/rounding.ts'
import { type LoadedWeights, loadWeights } from '../../src/model/weights.ts'
import { disabledFeatures } from '../support/features.ts'
import { MemoryCheckpoint, type Shape } from './memory-checkpoint.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

function matricesOf({ tokEmbeddings, output, layers }: LoadedWeights) {
  const all = [tokEmbeddings, output, ...layers.flatMap(({ wqkv, wo, w13, w2 }) => [wqkv, wo, w13, w2])]
  return [...new Set(all.flat())]
}

/** A digest of each buffer by its label. */
async function digests(weights: LoadedWeights): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { label, layout, quants, scales } of matricesOf(weights)) {
    const of = (buffer: Buffer | undefined) => (buffer === undefined ? '' : digestOf(gpu, [buffer], ''))
    found[`${label} ${layout.name}`] = `${await of(quants)} ${await of(scales)}`
  }
  return found
}

type Case = [name: string, weights: 'q4' | 'q8', shape: Shape, pieceBytes?: number]

/** A head has 6 rows, and `wo` has 12 columns, which the CPU rounds whatever is asked for. */
test.each<Case>([
  [
    'bf16, rows of odd blocks, rotated pairs apart',
    'q4',
    { dim: 96, hiddenDim: 160, vocab: 61, dtype: 'bf16', ropePairing: 'half' },
  ],
  ['f16 to 8 bits', 'q8', { dim: 32, hiddenDim: 96, vocab: 7, dtype: 'f16' }],
  ['f32, more rows than are read at a time', 'q4', { dim: 96, hiddenDim: 6016, vocab: 61, dtype: 'f32' }],
  ['an output that may be the embedding', 'q8', { dim: 64, hiddenDim: 32, vocab: 1003, dtype: 'bf16', twins: 'same' }],
  ['in several pieces', 'q4', { dim: 160, hiddenDim: 352, vocab: 131, dtype: 'bf16', ropePairing: 'half' }, 5003],
  [
    'types that differ in a matrix',
    'q4',
    { dim: 64, hiddenDim: 64, vocab: 9, dtype: 'bf16', types: { 'layers.0.wv': 'f32', 'layers.0.w2': 'q4_0' } },
  ],
])('%s', async (_, weights, shape, pieceBytes) => {
  const device = gpu.withTuning({ pieceBytes })
  const before = gpu.counters.bytesAlive
  const load = (roundOnGpu: boolean, staged = false) =>
    loadWeights(device, new MemoryCheckpoint(shape).asCheckpoint(), { weights, roundOnGpu, staged })
  const cpu = await load(false)
  const size = gpu.counters.bytesAlive - before
  const rounded = await load(true)
  // Nothing stays of what they were rounded with.
  expect(gpu.counters.bytesAlive - before).toBe(2 * size)
  expect(await digests(rounded)).toEqual(await digests(cpu))
  expect(await digests(await load(true, true))).toEqual(await digests(cpu))
  if (pieceBytes !== undefined) expect(matricesOf(rounded).length).toBeGreaterThan(20)
  const [a, b] = [rounded.quantization!, cpu.quantization!]
  expect(Object.keys(a.byMatrix).sort()).toEqual(Object.keys(b.byMatrix).sort())
  for (const [kind, error] of Object.entries(b.byMatrix)) expect(a.byMatrix[kind]! / error, kind).toBeCloseTo(1, 4)
  expect(a.relativeError / b.relativeError).toBeCloseTo(1, 4)
})

test('a load that is aborted leaves nothing of what rounds', async () => {
  const memory = new MemoryCheckpoint({ dim: 64, hiddenDim: 8192, vocab: 16_000, dtype: 'f32' })
  const abort = new AbortController()
  const start = gpu.counters.bytesAlive
  await loadWeights(gpu, memory.asCheckpoint(), { weights: 'q4', onlySizes: true })
  const before = gpu.counters.bytesAlive
  const options = {
    weights: 'q4',
    roundOnGpu: true,
    staged: true,
    signal: abort.signal,
    onProgress: () => abort.abort(),
  } as const
  await expect(loadWeights(gpu, memory.asCheckpoint(), options)).rejects.toThrow(AbortError)
  // The matrices themselves go with the device.
  expect(gpu.counters.bytesAlive - before).toBe(before - start)
})

test('small checkpoints are rounded by the CPU, and all of them where the adapter is a slow one', () => {
  expect(roundsOnGpu(gpu, 1 << 20)).toBe(false)
  const lanes = (software: boolean, subgroupLanes: number) =>
    roundsOnGpu({ software, tuning: { ...gpu.tuning, subgroupLanes } } as typeof gpu, 1 << 30)
  expect([lanes(false, 0), lanes(true, 8), lanes(true, 4), lanes(true, 0)]).toEqual([true, true, false, false])
})
