/** The adapters of a model on the GPU: which rows have which, and what they add to each matrix. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import type { StartOf } from '../kernels/linear.ts'
import {
  type LoraBuffers,
  type LoraParts,
  type LoraUpdate,
  loraStart,
  NO_ADAPTER,
  NOTHING,
  startStride,
} from '../kernels/lora.ts'
import { type Activation, type BatchShape, ceilTo, ROW_TILE } from '../kernels/shape.ts'
import type { Matrix } from '../kernels/weight.ts'
import type { AdapterWeights } from './adapter-weights.ts'
import type { Row } from './batch.ts'
import type { ModelConfig } from './config.ts'
import { type FusedMatrix, type MatrixPlace, PARTS_OF, placeOf } from './fused-matrices.ts'
import type { Mistral, ModelWeights, ProductStarts } from './mistral.ts'
import { expectedShape } from './shapes.ts'

/** How the outputs of a fused matrix are shared among its parts. */
export function partsOfMatrix(config: ModelConfig, matrix: FusedMatrix): LoraParts {
  if (matrix === 'w13') return { bounds: [], interleaved: true }
  const bounds: number[] = []
  let end = 0
  for (const name of PARTS_OF[matrix].slice(0, -1)) {
    end += expectedShape(config, name)[0]!
    bounds.push(end)
  }
  return { bounds, interleaved: false }
}

export interface AdapterSizes {
  /** Rows of one batch at most. */
  readonly maxRows: number
  /** Output rows of one batch at most. */
  readonly maxOutputs: number
  readonly maxSequences: number
}

/**
 * The adapters that a model has at the moment. A sequence has one of them, or none, for all of its rows. Recordings that
 * were made with adapters hold until one is added or removed.
 */
export class Adapters implements ProductStarts {
  private readonly weights = new Map<number, AdapterWeights>()
  private readonly slotOf: Uint32Array
  private readonly slots: Buffer
  private readonly nothing: Buffer
  private readonly gpu: Gpu
  private scratch: Pick<LoraBuffers, 'down' | 'start'> | undefined

  constructor(
    private readonly model: Mistral,
    private readonly sizes: AdapterSizes,
  ) {
    this.gpu = model.gpu
    this.slotOf = new Uint32Array(sizes.maxSequences)
    this.slots = this.gpu.createBuffer('adapters of sequences', sizes.maxSequences * 4)
    this.nothing = this.gpu.createBuffer('no adapter', NOTHING.byteLength)
    this.gpu.write(this.nothing, 0, NOTHING)
  }

  get isEmpty(): boolean {
    return this.weights.size === 0
  }

  /** Bytes of all adapters, and of what they work in. */
  get gpuBytes(): number {
    const own = [...this.weights.values()].reduce((sum, { gpuBytes }) => sum + gpuBytes, 0)
    const { down, start } = this.scratch ?? {}
    return own + this.slots.size + this.nothing.size + (down?.size ?? 0) + (start?.size ?? 0)
  }

  /** The adapter of a sequence from now on, by its slot. */
  assign(sequence: number, slot: number): void {
    if (this.slotOf[sequence] === slot) return
    this.slotOf[sequence] = slot
    this.gpu.write(this.slots, sequence * 4, Uint32Array.of(slot))
  }

  /** The slots of the rows; undefined when no row has an adapter. */
  usedBy(rows: readonly Row[]): ReadonlySet<number> | undefined {
    const used = new Set(rows.map(({ sequence }) => this.slotOf[sequence]!))
    return used.size === 1 && used.has(NO_ADAPTER) ? undefined : used
  }

  /** Takes an adapter in; it frees it too, even when this throws. @throws MemoryError */
  add(weights: AdapterWeights): void {
    this.weights.set(weights.slot, weights)
    const scratch = this.makeScratch([...this.weights.values()])
    this.freeScratch()
    this.scratch = scratch
  }

  /** The matrices of an adapter. */
  buffersOf(slot: number): Buffer[] {
    const updates = [...(this.weights.get(slot)?.updates.values() ?? [])]
    return updates.flatMap(({ a, b }) => [a.quants, b.quants])
  }

  /** Frees an adapter, whose slot no sequence may have when the next batch runs. */
  remove(slot: number): void {
    this.weights.get(slot)?.destroy()
    this.weights.delete(slot)
    this.slotOf.forEach((own, sequence) => {
      if (own === slot) this.assign(sequence, NO_ADAPTER)
    })
  }

  destroy(): void {
    for (const slot of [...this.weights.keys()]) this.remove(slot)
    this.freeScratch()
    this.slots.destroy()
    this.nothing.destroy()
  }

  /** What the product of x and a matrix begins at; undefined when no adapter changes that matrix. */
  start(r: Recorder<BatchShape>, x: Activation, layer: number | undefined, matrix: FusedMatrix): StartOf | undefined {
    const place = placeOf(layer, matrix)
    const updates = [...this.weights.values()].flatMap(({ updates }) => updates.get(place) ?? [])
    if (updates.length === 0) return undefined
    const { slots, nothing, model } = this
    const buffers = { rows: model.workspace.rows, slots, nothing, ...this.scratch! }
    const rows = matrix === 'output' ? 'outputs' : 'rows'
    const pieces = piecesOf(model.weights, layer, matrix)
    return loraStart(r, x, pieces, updates, buffers, { parts: partsOfMatrix(model.config, matrix), rows })
  }

  /** Room for what the widest matrix and the highest ranks need. */
  private makeScratch(all: readonly AdapterWeights[]): Pick<LoraBuffers, 'down' | 'start'> {
    const { maxRows, maxOutputs } = this.sizes
    let sums = 4
    let starts = 0
    for (const [place, update] of all.flatMap(({ updates }): [MatrixPlace, LoraUpdate][] => [...updates])) {
      const rows = ceilTo(place === 'output' ? maxOutputs : maxRows, ROW_TILE)
      sums = Math.max(sums, rows * update.a.rows)
      starts = Math.max(starts, rows * startStride(update.b.cols))
    }
    const down = this.gpu.createBuffer('adapter sums', sums * 4)
    try {
      return { down, start: this.gpu.createBuffer('adapter starts', starts * 4) }
    } catch (error) {
      down.destroy()
      throw error
    }
  }

  private freeScratch(): void {
    this.scratch?.down.destroy()
    this.scratch?.start.destroy()
    this.scratch = undefined
  }
}

function piecesOf(weights: ModelWeights, layer: number | undefined, matrix: FusedMatrix): Matrix {
  return layer === undefined ? weights.output : weights.layers[layer]![matrix as Exclude<FusedMatrix, 'output'>]
}
