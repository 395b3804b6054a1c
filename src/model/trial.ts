/** Products of small random matrices whose results are known: a kernel that errs on them is not used. */
import { decodeToF32, STORED_TYPES, type StoredDtype, storedBytes } from '../formats/blocks.ts'
import { f32ToF16Bits } from '../formats/f16.ts'
import { loadBlockTypes } from '../formats/ggml-blocks.ts'
import type { Gpu } from '../gpu/device.ts'
import { Readback } from '../gpu/readback.ts'
import { Recorder } from '../gpu/recorder.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import { linear, store } from '../kernels/linear.ts'
import { loadMatmuls } from '../kernels/load-matmuls.ts'
import { type Activation, type BatchShape, createActivation } from '../kernels/shape.ts'
import { createWeight, type Weight, writeRows } from '../kernels/weight.ts'
import type { WeightLayout } from '../kernels/weight-layouts.ts'
import { createPackedRows, type PackedRows, packRow } from './repack.ts'

/** The same numbers for the same seed, in [-1, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}

/** Rows of random weights, and the numbers that they stand for. */
export interface RandomRows {
  readonly packed: PackedRows
  /** [rows, cols] */
  readonly values: Float32Array
}

/** Blocks that rows are put together from: more than one row has of any type, and a prime. */
const POOL = 61
/** The largest weight of a block: blocks of one size, so that none hides what another gets wrong. */
const LARGEST = { least: 0.06, most: 1 } as const
/** A block in a few dozen has scales of this size. */
const MOST_TRIES = 20_000

/**
 * Random rows in a layout. undefined for layouts whose rows belong to a checkpoint: those that were quantized in groups.
 * @param cols a multiple of 256, which every type divides
 */
export async function randomRows(layout: WeightLayout, rows: number, cols: number): Promise<RandomRows | undefined> {
  const dtype = Object.keys(layout.exact)[0] as StoredDtype | undefined
  if (dtype === undefined) return undefined
  await loadBlockTypes([dtype])
  const blocks = randomBlocks(dtype)
  if (blocks === undefined) return undefined
  const { elements, bytes } = STORED_TYPES[dtype]
  const packed = createPackedRows(layout, rows, cols)
  const values = new Float32Array(rows * cols)
  const stored = new Uint8Array(storedBytes(dtype, cols))
  const random = randomNumbers(rows * cols)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cols / elements; i++) {
      stored.set(blocks[Math.floor(((random() + 1) / 2) * blocks.length)]!, i * bytes)
    }
    packRow(dtype, stored, packed, row)
    decodeToF32(dtype, stored, values.subarray(row * cols, (row + 1) * cols))
  }
  return { packed, values }
}

/** undefined when no block has numbers of the wanted size. */
function randomBlocks(dtype: StoredDtype): Uint8Array[] | undefined {
  const random = randomNumbers(dtype.length)
  const { elements, bytes } = STORED_TYPES[dtype]
  const blocks: Uint8Array[] = []
  const values = new Float32Array(elements)
  for (let tries = 0; blocks.length < POOL; tries++) {
    if (tries === MOST_TRIES) return undefined
    const block = elements === 1 ? oneNumber(dtype, random()) : randomBytes(bytes, random)
    decodeToF32(dtype, block, values)
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    if (elements === 1 || (largest >= LARGEST.least && largest <= LARGEST.most)) blocks.push(block)
  }
  return blocks
}

function randomBytes(count: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length: count }, () => (random() + 1) * 128)
}

function oneNumber(dtype: StoredDtype, value: number): Uint8Array {
  const f32 = new Uint8Array(Float32Array.of(value).buffer)
  if (dtype === 'f32') return f32
  return dtype === 'bf16' ? f32.subarray(2) : new Uint8Array(Uint16Array.of(f32ToF16Bits(value)).buffer)
}

/** A small matrix with the rows of x that it is multiplied with, and what comes of it. */
export interface Trial {
  readonly layout: WeightLayout
  readonly weight: Weight
  readonly x: Activation
  readonly y: Activation
  /** [TRIAL_ROWS, outputs], and the sums of the magnitudes that were added. */
  readonly expected: Float64Array
  readonly sizes: Float64Array
  destroy(): void
}

/** Rows of x: more than one tile. Fewer are taken for kernels that are for fewer. */
const TRIAL_ROWS = 70
/** No multiple of any tile. */
const OUTPUTS = 74
const INPUTS = 512
/** Rows that a class of batches has at least, so that all of its kernel runs. */
const ROWS_OF: Readonly<Record<BatchClass, number>> = { 1: 1, 4: 4, 8: 8, decode: 19, many: TRIAL_ROWS }

/** undefined where `randomRows` is. Throws `MemoryError`. */
export async function createTrial(gpu: Gpu, layout: WeightLayout): Promise<Trial | undefined> {
  const rows = await randomRows(layout, OUTPUTS + 2, INPUTS)
  if (rows === undefined) return undefined
  const weight = createWeight(gpu, `${layout.name} trial`, layout, OUTPUTS, INPUTS)
  writeRows(gpu, weight, 0, rows.packed)
  const x = createActivation(gpu, 'trial x', TRIAL_ROWS, INPUTS)
  const y = createActivation(gpu, 'trial y', TRIAL_ROWS, OUTPUTS)
  const random = randomNumbers(INPUTS)
  const values = Float32Array.from({ length: TRIAL_ROWS * INPUTS }, random)
  gpu.write(x.buffer, 0, values)
  return {
    layout,
    weight,
    x,
    y,
    ...products(values, rows.values),
    destroy() {
      for (const buffer of [weight.quants, weight.scales, x.buffer, y.buffer]) buffer?.destroy()
    },
  }
}

function products(x: Float32Array, w: Float32Array): Pick<Trial, 'expected' | 'sizes'> {
  const expected = new Float64Array(TRIAL_ROWS * OUTPUTS)
  const sizes = new Float64Array(TRIAL_ROWS * OUTPUTS)
  for (let row = 0; row < TRIAL_ROWS; row++) {
    for (let col = 0; col < OUTPUTS; col++) {
      let sum = 0
      let size = 0
      for (let k = 0; k < INPUTS; k++) {
        const product = x[row * INPUTS + k]! * w[col * INPUTS + k]!
        sum += product
        size += Math.abs(product)
      }
      expected[row * OUTPUTS + col] = sum
      sizes[row * OUTPUTS + col] = size
    }
  }
  return { expected, sizes }
}

/** How far a kernel was off. */
export interface TrialError {
  /** The largest error of a sum, relative to the magnitudes that were added. */
  readonly worst: number
  /** Root mean square of the errors, relative to that of the sums. */
  readonly rms: number
}

/** Runs the kernel that the device's tuning has for this class. Throws `DeviceError` when it does not compile or run. */
export async function tryProduct(gpu: Gpu, trial: Trial, batchClass: BatchClass): Promise<TrialError> {
  const { weight, x, y } = trial
  const rows = ROWS_OF[batchClass]
  await loadMatmuls(gpu.tuning)
  const recorder = new Recorder<BatchShape>(gpu)
  linear(recorder, x, weight, store(y), { batchClass })
  const recording = await buildApart(gpu, recorder)
  const bytes = rows * y.stride * 4
  const readback = new Readback(gpu, 'trial', bytes)
  try {
    const encoder = gpu.device.createCommandEncoder()
    // What a kernel leaves out must not be what another one computed before.
    encoder.clearBuffer(y.buffer.gpuBuffer)
    const pass = encoder.beginComputePass()
    recording.encode(pass, { rows, outputs: rows, splits: 1, tiles: rows, ruled: 0, logged: 0 })
    pass.end()
    readback.copy(encoder, y.buffer, bytes)
    gpu.submit(encoder.finish())
    return errorOf(trial, new Float32Array(await readback.read(bytes)), rows)
  } finally {
    readback.destroy()
  }
}

/** Compiles, and keeps what is wrong with the shaders from whoever watches the device for errors meanwhile. */
export async function buildApart<B>(gpu: Gpu, recorder: Recorder<B>) {
  gpu.device.pushErrorScope('validation')
  // Shaders are made before the first await.
  const built = recorder.build()
  gpu.popErrorScope().catch(() => undefined)
  return built
}

function errorOf({ expected, sizes, y }: Trial, got: Float32Array, rows: number): TrialError {
  let worst = 0
  let errors = 0
  let total = 0
  for (let i = 0; i < rows * OUTPUTS; i++) {
    const value = got[Math.floor(i / OUTPUTS) * y.stride + (i % OUTPUTS)]!
    const error = Math.abs(value - expected[i]!)
    // Not Math.max alone: NaN must count as far off.
    worst = error <= worst * sizes[i]! ? worst : Number.isFinite(error) ? error / sizes[i]! : Infinity
    errors += error * error
    total += expected[i]! ** 2
  }
  return { worst, rms: Number.isFinite(errors) ? Math.sqrt(errors / total) : Infinity }
}

/** Sums in f32 of any order stay below this. */
const EXACT = 1e-5
/** What rounding activations may cost: a small part of what rounding the weights themselves did. */
const ROUNDED = { f16: 2e-3, int8: 1.5e-2 } as const

export function isRight({ worst, rms }: TrialError, rounds: 'nothing' | 'f16' | 'int8' = 'nothing'): boolean {
  return rounds === 'nothing' ? worst <= EXACT : rms <= ROUNDED[rounds]
}
