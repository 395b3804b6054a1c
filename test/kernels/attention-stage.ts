/** Attention from the q, k, v projection on, with the same computed in f64 beside it. */
import { f16ToNumber, f32ToF16Bits } from '../../src/formats/f16.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { BufferUsage } from '../../src/gpu/flags.ts'
import type { BatchClass } from '../../src/gpu/tuning.ts'
import {
  type AttentionBuffers,
  attention,
  FULL_ATTENTION,
  type LayerCache,
  ROPE_FINE,
  ropeCache,
  rowsPerTile,
  SUMS,
} from '../../src/kernels/attention.ts'
import { CACHE_LAYOUTS, cacheParts } from '../../src/kernels/cache-layouts.ts'
import { linear } from '../../src/kernels/linear.ts'
import { type Activation, createActivation, headStride } from '../../src/kernels/shape.ts'
import { createWeight, type Weight } from '../../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { misfits, randomNumbers, run } from '../support/gpu.ts'
import { ropeTable, type StageOptions, type StageRow, unpackedKey, wrongBlocks } from './attention-numbers.ts'

const D = 32
const MAX_ROWS = 64

export class AttentionStage {
  private readonly random = randomNumbers(17)
  private readonly q: number[][] = []
  /** Keys and values by `sequence:position`, [kv heads][K]. */
  private readonly keys = new Map<string, number[][]>()
  private readonly values = new Map<string, number[][]>()
  private readonly angles: Float32Array<ArrayBuffer>
  private batch: readonly StageRow[] = []
  /** What is wrong with blocks of 8 bits, as they were packed. */
  readonly packMisfits: string[] = []
  /** The largest key before it was rounded into the cache. */
  largestKey = 0

  private constructor(
    private readonly gpu: Gpu,
    private readonly options: StageOptions,
    private readonly batchClass: BatchClass,
    private readonly buffers: AttentionBuffers,
    private readonly cache: LayerCache,
    private readonly x: Activation,
    private readonly y: Activation,
    private readonly weight: Weight,
    private readonly weights: Float32Array<ArrayBuffer>,
  ) {
    const { headDim, positions } = options
    this.angles = new Float32Array((positions + 64) * headDim)
    for (let i = 0; i < this.angles.length; i += 2) {
      const angle = Math.floor(i / headDim) * 100 ** (-(i % headDim) / headDim)
      this.angles[i] = Math.cos(angle)
      this.angles[i + 1] = Math.sin(angle)
    }
    gpu.write(buffers.rope, 0, ropeTable(this.angles, headDim))
  }

  /** @param batchClass the projection's */
  static async open(
    gpu: Gpu,
    options: StageOptions,
    chunk: number,
    batchClass: BatchClass = 4,
  ): Promise<AttentionStage> {
    const { nHeads, nKvHeads, headDim, window, positions, sequences, dtype, gain = 1 } = options
    const stride = headStride(headDim)
    const ring = window === undefined ? positions + 1 : Math.min(positions + 1, window + chunk)
    const readable = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC
    const valuesAt = sequences * nKvHeads * ring * CACHE_LAYOUTS[dtype].bytesPerKey(headDim)
    const cache: LayerCache = {
      buffer: gpu.createBuffer('cache', 2 * valuesAt, readable),
      valuesAt,
      layout: CACHE_LAYOUTS[dtype],
      shape: { nHeads, nKvHeads, headDim },
      ring,
      window: window ?? FULL_ATTENTION,
    }
    const buffers: AttentionBuffers = {
      rows: gpu.createBuffer('rows', MAX_ROWS * 16),
      tiles: gpu.createBuffer('tiles', MAX_ROWS * 8),
      rope: gpu.createBuffer('rope', (1 + ROPE_FINE + positions) * headDim * 4),
      q: gpu.createBuffer('q', MAX_ROWS * nHeads * stride * 4, readable),
      unpacked: gpu.createBuffer('keys and values', 2 * MAX_ROWS * nKvHeads * stride * 4),
      splits: gpu.createBuffer('splits', SUMS * nHeads * stride * 4),
      stats: gpu.createBuffer('stats', SUMS * nHeads * 8),
    }
    const outputs = (nHeads + 2 * nKvHeads) * headDim
    const weight = createWeight(gpu, 'wqkv', WEIGHT_LAYOUTS.f32, outputs, D)
    const random = randomNumbers(headDim)
    // With inputs in [-1, 1) this makes outputs of standard deviation 1.
    const scale = Math.sqrt(9 / D)
    const weights = Float32Array.from({ length: outputs * D }, (_, i) => {
      const isValue = i >= (nHeads + nKvHeads) * headDim * D
      return random() * scale * (isValue ? 1 : Math.sqrt(gain))
    })
    gpu.write(weight.quants, 0, weights)
    const x = createActivation(gpu, 'x', MAX_ROWS, D)
    const y = createActivation(gpu, 'y', MAX_ROWS, nHeads * headDim)
    return new AttentionStage(gpu, options, batchClass, buffers, cache, x, y, weight, weights)
  }

  /** Makes q, k and v of these rows from random inputs, on the GPU and in f64. */
  async write(batch: readonly StageRow[]): Promise<void> {
    this.batch = batch
    const x = Float32Array.from({ length: MAX_ROWS * D }, (_, i) => (i < batch.length * D ? this.random() : 1e30))
    this.gpu.write(this.x.buffer, 0, x)
    this.writeRows(1)
    await run(this.gpu, { rows: batch.length }, (r) => {
      linear(r, this.x, this.weight, ropeCache(this.buffers, this.cache), { batchClass: this.batchClass })
      cacheParts.get(this.options.dtype)!.pack?.(r, this.buffers, this.cache)
    })
    this.q.length = 0
    for (const [i, row] of batch.entries()) this.project(x.subarray(i * D, (i + 1) * D), row)
    if (this.options.dtype === 'q8') await this.takePacked()
  }

  private writeRows(splits: number): void {
    const rows = new Uint32Array(MAX_ROWS * 4)
    for (let i = 0; i < MAX_ROWS; i++) {
      const row = this.batch[i]
      rows.set([row?.sequence ?? 0, row?.position ?? 0xffffffff, 0, splits], 4 * i)
    }
    this.gpu.write(this.buffers.rows, 0, rows)
  }

  private project(x: Float32Array, { sequence, position }: StageRow): void {
    const { nHeads, nKvHeads, headDim } = this.options
    const heads: number[][] = []
    for (let head = 0; head < nHeads + 2 * nKvHeads; head++) {
      const out = Array.from({ length: headDim }, (_, i) => {
        const at = (head * headDim + i) * D
        return x.reduce((sum, value, k) => sum + value * this.weights[at + k]!, 0)
      })
      heads.push(head < nHeads + nKvHeads ? this.rotate(out, position) : out)
    }
    const stored = (part: number[][]) => part.map((head) => head.map((value) => this.rounded(value)))
    this.q.push(heads.slice(0, nHeads).flat())
    const keys = heads.slice(nHeads, nHeads + nKvHeads)
    this.largestKey = Math.max(this.largestKey, ...keys.flat().map(Math.abs))
    this.keys.set(`${sequence}:${position}`, stored(keys))
    this.values.set(`${sequence}:${position}`, stored(heads.slice(nHeads + nKvHeads)))
  }

  private rotate(head: readonly number[], position: number): number[] {
    return head.map((value, i) => {
      const cos = this.angles[position * head.length + (i - (i % 2))]!
      const sin = this.angles[position * head.length + (i - (i % 2)) + 1]!
      return i % 2 === 0 ? value * cos - head[i + 1]! * sin : value * cos + head[i - 1]! * sin
    })
  }

  private rounded(value: number): number {
    if (this.options.dtype !== 'f16') return value
    return f16ToNumber(f32ToF16Bits(Math.max(-65504, Math.min(65504, value))))
  }

  /** Looks at how the rows were packed, and takes their keys and values as they are in the cache from now on. */
  private async takePacked(): Promise<void> {
    const { nKvHeads, headDim } = this.options
    const { ring } = this.cache
    const words = await this.packedWords()
    const perKey = CACHE_LAYOUTS.q8.bytesPerKey(headDim) / 4
    for (const [part, written] of [this.keys, this.values].entries()) {
      for (const { sequence, position } of this.batch) {
        const heads = written.get(`${sequence}:${position}`)!
        for (const [kv, head] of heads.entries()) {
          const slot = ((part * this.options.sequences + sequence) * nKvHeads + kv) * ring + (position % ring)
          const packed = unpackedKey(words.subarray(slot * perKey, (slot + 1) * perKey), headDim)
          this.packMisfits.push(...wrongBlocks(head, packed, `${part} of ${sequence}:${position}, head ${kv}`))
          heads[kv] = packed.values.slice(0, headDim)
        }
      }
    }
  }

  private async packedWords(): Promise<Uint32Array> {
    const { buffer } = this.cache
    const floats = await run(this.gpu, {}, () => {}, { buffer, elements: buffer.size / 4 })
    return new Uint32Array(floats.buffer)
  }

  /** Runs attention for the rows written last and compares. */
  async misfits(gpu: Gpu, batchClass: BatchClass, splits: number): Promise<string[]> {
    this.writeRows(splits)
    const tiles = this.writeTiles(rowsPerTile(gpu, this.options.headDim, batchClass))
    const { stride, buffer } = this.y
    const rows = this.batch.length
    this.gpu.write(buffer, 0, new Float32Array(rows * stride))
    const got = await run(
      gpu,
      { rows, splits, tiles },
      (r) => attention(r, this.buffers, this.cache, this.y, batchClass),
      {
        buffer,
        elements: rows * stride,
      },
    )
    const expected = new Float64Array(rows * stride)
    for (let i = 0; i < rows; i++) expected.set(this.attend(i), i * stride)
    // A value rounded to the neighbouring f16, and scores that differ as f32 sums do.
    const tolerance = this.options.dtype === 'f16' ? 2e-3 : 2e-5 * (this.options.gain ?? 1)
    return misfits(got, expected, () => tolerance)
  }

  /** Runs of neighbouring positions, [tiles] (first row, rows). */
  private writeTiles(longest: number): number {
    const tiles: number[][] = []
    for (const [i, { sequence, position }] of this.batch.entries()) {
      const tile = tiles.at(-1)
      const follows = tile && tile[2] === sequence && tile[3]! + tile[1]! === position
      if (follows && tile[1]! < longest) tile[1]!++
      else tiles.push([i, 1, sequence, position])
    }
    this.gpu.write(this.buffers.tiles, 0, new Uint32Array(tiles.flatMap(([first, rows]) => [first!, rows!])))
    return tiles.length
  }

  private attend(index: number): number[] {
    const { nHeads, nKvHeads, headDim, window = Infinity } = this.options
    const { sequence, position } = this.batch[index]!
    const visible: number[] = []
    for (let key = Math.max(0, position - window + 1); key <= position; key++) visible.push(key)
    const result: number[] = []
    for (let head = 0; head < nHeads; head++) {
      const kv = Math.floor(head / (nHeads / nKvHeads))
      const q = this.q[index]!.slice(head * headDim, (head + 1) * headDim)
      const scores = visible.map((key) => {
        const k = this.keys.get(`${sequence}:${key}`)![kv]!
        return q.reduce((sum, value, i) => sum + value * k[i]!, 0) / Math.sqrt(headDim)
      })
      const most = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - most))
      const total = weights.reduce((a, b) => a + b, 0)
      for (let i = 0; i < headDim; i++) {
        const sum = visible.reduce((a, key, j) => a + weights[j]! * this.values.get(`${sequence}:${key}`)![kv]![i]!, 0)
        result.push(sum / total)
      }
    }
    return result
  }

  /** Compares q and the whole cache: slots that no row wrote must be zero still. */
  async projectionMisfits(): Promise<string[]> {
    const { nHeads, nKvHeads, headDim, sequences, dtype, gain = 1 } = this.options
    const stride = headStride(headDim)
    const { ring } = this.cache
    const q = new Float64Array(MAX_ROWS * nHeads * stride)
    for (const [row, values] of this.q.entries()) {
      for (const [i, value] of values.entries()) {
        q[(row * nHeads + Math.floor(i / headDim)) * stride + (i % headDim)] = value
      }
    }
    const caches = [this.keys, this.values].map((written) => {
      const expected = new Float64Array(sequences * nKvHeads * ring * stride)
      for (const { sequence, position } of this.batch) {
        for (const [kv, head] of written.get(`${sequence}:${position}`)!.entries()) {
          expected.set(head, ((sequence * nKvHeads + kv) * ring + (position % ring)) * stride)
        }
      }
      return expected
    })
    const read = async (buffer: LayerCache['buffer'], elements: number): Promise<Float32Array> => {
      if (dtype === 'f32') return run(this.gpu, {}, () => {}, { buffer, elements })
      if (dtype === 'q8') {
        const words = await this.packedWords()
        const perKey = CACHE_LAYOUTS.q8.bytesPerKey(headDim) / 4
        const keys = Array.from({ length: words.length / perKey }, (_, i) =>
          words.subarray(i * perKey, (i + 1) * perKey),
        )
        return Float32Array.from(keys.flatMap((key) => unpackedKey(key, headDim).values))
      }
      const words = new Uint16Array((await run(this.gpu, {}, () => {}, { buffer, elements: elements / 2 })).buffer)
      return Float32Array.from(words, f16ToNumber)
    }
    const exact = (expected: Float64Array) => (i: number) => 1e-5 * Math.sqrt(gain) * (1 + Math.abs(expected[i]!))
    const stored = (expected: Float64Array) => (i: number) =>
      dtype === 'f16' ? 1e-3 * Math.abs(expected[i]!) + 1e-5 : exact(expected)(i)
    const lines = misfits(
      await run(this.gpu, {}, () => {}, { buffer: this.buffers.q, elements: q.length }),
      q,
      exact(q),
    )
    const half = caches[0]!.length
    const both = await read(this.cache.buffer, 2 * half)
    for (const [i, expected] of caches.entries()) {
      lines.push(...misfits(both.subarray(i * half, (i + 1) * half), expected, stored(expected)))
    }
    return lines
  }

  destroy(): void {
    const { rows, tiles, rope, q, splits, stats, unpacked } = this.buffers
    const { cache, x, y, weight } = this
    const own = [rows, tiles, rope, q, splits, stats, unpacked!]
    for (const buffer of [...own, cache.buffer, x.buffer, y.buffer, weight.quants]) buffer.destroy()
  }
}
