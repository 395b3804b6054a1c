/** Reads an adapter's matrices, fuses them as the model's own are, and brings them to the GPU. */
import { throwIfAborted } from '../async/abort.ts'
import { decodeToF32, type MatrixType, storedBytes } from '../formats/blocks.ts'
import type { TensorFile, TensorInfo } from '../formats/tensor-file.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { type LoraUpdate, loraFacts } from '../kernels/lora.ts'
import { ceilTo } from '../kernels/shape.ts'
import { createWeight, type Weight, writeRows } from '../kernels/weight.ts'
import { WEIGHT_LAYOUTS } from '../kernels/weight-layouts.ts'
import type { ModelConfig } from './config.ts'
import { type FusedMatrix, type MatrixPlace, PARTS_OF, placeOf } from './fused-matrices.ts'
import { createPackedRows, type PackedRows, packRow } from './repack.ts'
import { expectedShape, type LayerMatrix } from './shapes.ts'
import { halvesToNeighbours } from './weight-sources.ts'

/** The matrices of the model that an adapter may change. */
export type AdaptedMatrix = `layers.${number}.${LayerMatrix}` | 'output'

/** What an adapter adds to one matrix W: scale · B A. */
export interface LowRank {
  /** [rank, inputs of W] */
  readonly a: TensorInfo
  /** [outputs of W, rank] */
  readonly b: TensorInfo
  readonly scale: number
}

/** An opened adapter of any format. */
export interface AdapterFile {
  readonly container: TensorFile
  readonly matrices: ReadonlyMap<AdaptedMatrix, LowRank>
  /** Which elements of a head the rows of B for `wq` and `wk` rotate together, as `ModelConfig.ropePairing`. */
  readonly ropePairing: ModelConfig['ropePairing']
  /** The model that it was made for, as it says itself. */
  readonly base: string | undefined
  readonly notes: readonly string[]
}

/** An adapter on the GPU. */
export interface AdapterWeights {
  readonly slot: number
  readonly updates: ReadonlyMap<MatrixPlace, LoraUpdate>
  /** Of all its buffers. */
  readonly gpuBytes: number
  destroy(): void
}

/** The update of one matrix, ready for the GPU. */
export interface PackedUpdate {
  readonly place: MatrixPlace
  /** Padded to fours. */
  readonly rank: number
  readonly a: PackedRows
  readonly b: PackedRows
  /** Of each part. */
  readonly scales: readonly number[]
}

/** Reads all matrices of an adapter. @throws CheckpointError, AbortError */
export async function readAdapter(
  config: ModelConfig,
  file: AdapterFile,
  signal: AbortSignal | undefined,
): Promise<readonly PackedUpdate[]> {
  const reader = new AdapterReader(config, file, signal)
  const updates: PackedUpdate[] = []
  for (const matrix of Object.keys(PARTS_OF) as FusedMatrix[]) {
    const layers = matrix === 'output' ? [undefined] : Array.from({ length: config.nLayers }, (_, layer) => layer)
    for (const layer of layers) updates.push(...(await reader.update(layer, matrix)))
  }
  return updates
}

/**
 * Brings an adapter to the GPU.
 * @param scale multiplies what it adds
 * @throws MemoryError; nothing is left on the GPU then
 */
export function uploadAdapter(
  gpu: Gpu,
  packed: readonly PackedUpdate[],
  { slot, scale }: { slot: number; scale: number },
): AdapterWeights {
  const buffers: Buffer[] = []
  const destroy = () => {
    for (const buffer of buffers) buffer.destroy()
  }
  const upload = (label: string, rows: PackedRows, count: number): Weight => {
    const weight = createWeight(gpu, label, rows.layout, count, rows.cols)
    buffers.push(weight.quants)
    writeRows(gpu, weight, 0, rows)
    return weight
  }
  const updates = new Map<MatrixPlace, LoraUpdate>()
  try {
    for (const { place, rank, a, b, scales } of packed) {
      const label = `adapter ${place}`
      const words = loraFacts(
        slot,
        rank,
        scales.map((own) => own * scale),
      )
      const facts = gpu.createBuffer(label, words.byteLength)
      buffers.push(facts)
      gpu.write(facts, 0, words)
      const down = upload(`${label} A`, a, scales.length * rank)
      updates.set(place, { slot, a: down, b: upload(`${label} B`, b, rank), facts })
    }
  } catch (error) {
    destroy()
    throw error
  }
  return { slot, updates, gpuBytes: buffers.reduce((sum, { size }) => sum + size, 0), destroy }
}

class AdapterReader {
  constructor(
    private readonly config: ModelConfig,
    private readonly file: AdapterFile,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Nothing when the adapter changes none of the parts. */
  async update(layer: number | undefined, matrix: FusedMatrix): Promise<PackedUpdate[]> {
    const names = PARTS_OF[matrix].map((name): AdaptedMatrix => (name === 'output' ? name : `layers.${layer!}.${name}`))
    const parts = names.map((name) => this.file.matrices.get(name))
    const ranks = parts.flatMap((part) => part?.a.shape[0] ?? [])
    if (ranks.length === 0) return []
    const rank = ceilTo(Math.max(...ranks), 4)
    const a = await this.packA(parts, rank)
    const b = await this.packB(matrix, parts, rank)
    return [{ place: placeOf(layer, matrix), rank, a, b, scales: parts.map((part) => part?.scale ?? 0) }]
  }

  private async packA(parts: readonly (LowRank | undefined)[], rank: number): Promise<PackedRows> {
    const tensors = parts.map((part) => part?.a)
    const cols = tensors.find((info) => info !== undefined)!.shape[1]!
    const packed = createPackedRows(WEIGHT_LAYOUTS[elementType(tensors)], parts.length * rank, cols)
    for (const [i, info] of tensors.entries()) {
      if (info === undefined) continue
      const data = await this.read(info)
      const bytes = storedBytes(info.dtype, cols)
      for (let row = 0; row < info.shape[0]!; row++) {
        packRow(info.dtype, data.subarray(row * bytes, (row + 1) * bytes), packed, i * rank + row)
      }
    }
    return packed
  }

  private async packB(matrix: FusedMatrix, parts: readonly (LowRank | undefined)[], rank: number): Promise<PackedRows> {
    const sizes = PARTS_OF[matrix].map((name) => expectedShape(this.config, name)[0]!)
    const cols = sizes.reduce((sum, size) => sum + size, 0)
    const type = elementType(parts.map((part) => part?.b))
    const rows = Array.from({ length: rank }, () => bitsOf(type, new Uint8Array(cols * storedBytes(type, 1))))
    let first = 0
    for (const [i, part] of parts.entries()) {
      const size = sizes[i]!
      if (part !== undefined) {
        const data = await this.read(part.b)
        const values = bitsOf(type, part.b.dtype === type ? data : bytesOf(decodeToF32(part.b.dtype, data)))
        const own = part.b.shape[1]!
        const order = this.orderOf(PARTS_OF[matrix][i]!)
        for (let row = 0; row < size; row++) {
          const col = matrix === 'w13' ? 2 * row + i : first + row
          const from = order(row) * own
          for (let j = 0; j < own; j++) rows[j]![col] = values[from + j]!
        }
      }
      first += size
    }
    const packed = createPackedRows(WEIGHT_LAYOUTS[type], rank, cols)
    for (const [j, row] of rows.entries()) packRow(type, bytesOf(row), packed, j)
    return packed
  }

  /** Row of B that stands at a row of the matrix on the GPU. */
  private orderOf(name: LayerMatrix | 'output'): (row: number) => number {
    const isRotated = name === 'wq' || name === 'wk'
    if (!isRotated || this.file.ropePairing === 'adjacent') return (row) => row
    return halvesToNeighbours(this.config.headDim)
  }

  private async read(info: TensorInfo): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(this.signal)
    return this.file.container.read(info, 0, info.byteLength, this.signal)
  }
}

type ElementType = 'f32' | 'f16' | 'bf16'

/** The smallest type that holds all elements as they are; those of quantized types are unpacked. */
function elementType(tensors: readonly (TensorInfo | undefined)[]): ElementType {
  const types = [...new Set<MatrixType>(tensors.flatMap((info) => info?.dtype ?? []))]
  return types.length === 1 && (types[0] === 'f16' || types[0] === 'bf16') ? types[0] : 'f32'
}

/** Elements as whole numbers, which are moved without a look at what they stand for. */
function bitsOf(type: ElementType, bytes: Uint8Array<ArrayBuffer>): Uint16Array | Uint32Array {
  const size = storedBytes(type, 1)
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return size === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4)
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
}
