/** What a batch is made of, and its metadata on the GPU. */
import type { CourseRoom, MaskCourse } from '../constraints/course.ts'
import type { Gpu } from '../gpu/device.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import { rowsPerTile, splitsFor } from '../kernels/attention.ts'
import { SAMPLER_KINDS, type SamplerKind } from '../kernels/sampler.ts'
import { type BatchShape, batchClassOf, ceilTo, ROW_TILE } from '../kernels/shape.ts'
import type { Mistral } from './mistral.ts'

/** One row of a batch: the token that stands at a position of a sequence. */
export interface Row {
  readonly sequence: number
  readonly position: number
  /** Whether this row has an output: the logits after its token, or the choice of the next token. */
  readonly output: boolean
}

/** A course that the GPU may go on along from where the batch before ends, whatever that one chooses. */
export interface GoingOn {
  readonly course: MaskCourse
  /** It does: no mask and no other course is asked for. */
  taken(): void
}

/** What choosing a request's tokens takes besides the logits. */
export interface SamplerNeeds {
  /** Rules on the history change its scores. */
  readonly rules: boolean
  /** Prompt and answer as far as they are known, with what is guessed in this batch: what rules look at. */
  readonly tokens: () => readonly number[]
  /**
   * The tokens that may come after this output: bits as in the mask of a `Constraint`, null for all. It is asked once the
   * forward pass is on its way, so that what it computes costs no time of the GPU. Undefined without a constraint.
   */
  readonly mask?: (() => Uint32Array | null) | undefined
  /** The mask of all steps of a batch but the first, asked for after `mask`; undefined where that counts for all. */
  readonly later?: (() => Uint32Array | null) | undefined
  /** The masks of all steps of a batch, asked for in place of `mask`; what gives undefined leaves it to that. */
  readonly course?: ((room: CourseRoom) => MaskCourse | undefined) | undefined
  /** Undefined where the batch has to wait for the tokens before it. */
  readonly goesOn?: GoingOn | undefined
  readonly sampler: SamplerKind
  readonly logprobs: boolean
}

/** The most probable token, and nothing else. */
export const GREEDY: SamplerNeeds = { rules: false, tokens: () => [], sampler: 'greedy', logprobs: false }

/** What a batch does with its logits, for all of its requests together. */
export interface Endings {
  /** Rules or masks change scores. */
  readonly ruled: boolean
  readonly kind: SamplerKind
  readonly logged: boolean
}

export function endingsOf(needs: readonly SamplerNeeds[]): Endings {
  return {
    ruled: needs.some((need) => need.rules || need.mask !== undefined),
    kind: SAMPLER_KINDS.findLast((kind) => needs.some((need) => need.sampler === kind)) ?? 'greedy',
    logged: needs.some((need) => need.logprobs),
  }
}

/** Rows that go through the model together. Those of one sequence are neighbours, in order of position. */
export interface Batch {
  readonly rows: readonly Row[]
  /**
   * How often the batch runs, each time one position further on, on the tokens that were chosen the time before. It runs
   * more than once only when all rows are outputs and belong to different sequences.
   */
  readonly steps: number
  /** What the output rows need, in their order. */
  readonly needs: readonly SamplerNeeds[]
}

const PADDING_POSITION = 0xffffffff

/** Writes the metadata of batches to the GPU. */
export class BatchWriter {
  private readonly rows: Uint32Array<ArrayBuffer>
  private readonly tiles: Uint32Array<ArrayBuffer>
  private readonly gpu: Gpu
  private readonly window: number

  constructor(
    private readonly model: Mistral,
    maxRows: number,
  ) {
    this.gpu = model.gpu
    const rows = ceilTo(maxRows, ROW_TILE)
    this.rows = new Uint32Array(rows * 4)
    this.tiles = new Uint32Array(rows * 2)
    this.window = Math.max(...model.cache.map((layer) => layer.window))
  }

  /** Unused rows of the last tile are marked as padding. */
  write(batch: readonly Row[], steps: number, outputs: number): Omit<BatchShape, 'ruled' | 'logged'> {
    const batchClass = classOfRows(batch, outputs)
    const splits = batchClass === 'many' ? 1 : splitsFor(this.gpu.tuning, this.mostVisibleKeys(batch, steps))
    const padded = ceilTo(batch.length, ROW_TILE)
    let output = 0
    for (let i = 0; i < padded; i++) {
      const row = batch[i]
      this.rows[4 * i] = row?.sequence ?? 0
      this.rows[4 * i + 1] = row?.position ?? PADDING_POSITION
      this.rows[4 * i + 3] = splits
      if (row?.output) this.rows[4 * output++ + 2] = i
    }
    const tiles = this.makeTiles(batch, batchClass)
    const { workspace } = this.model
    this.gpu.write(workspace.rows, 0, this.rows.subarray(0, 4 * padded))
    this.gpu.write(workspace.tiles, 0, this.tiles.subarray(0, 2 * tiles))
    return { rows: batch.length, outputs, splits, tiles }
  }

  /** Makes outputs of `count` rows from `first` on, in place of those that the batch has. */
  setOutputs(first: number, count: number): void {
    for (let i = 0; i < count; i++) this.rows[4 * i + 2] = first + i
    this.gpu.write(this.model.workspace.rows, 0, this.rows.subarray(0, 4 * count))
  }

  private mostVisibleKeys(batch: readonly Row[], steps: number): number {
    let last = 0
    for (const row of batch) last = Math.max(last, row.position)
    return Math.min(this.window, last + steps)
  }

  /** Cuts the batch in runs of neighbouring positions of one sequence. Returns how many there are. */
  private makeTiles(batch: readonly Row[], batchClass: BatchClass): number {
    const longest = rowsPerTile(this.gpu, this.model.config.headDim, batchClass)
    let count = 0
    for (let first = 0; first < batch.length; ) {
      const { sequence, position } = batch[first]!
      let length = 1
      while (length < longest) {
        const next = batch[first + length]
        if (next?.sequence !== sequence || next.position !== position + length) break
        length++
      }
      this.tiles[2 * count] = first
      this.tiles[2 * count + 1] = length
      count++
      first += length
    }
    return count
  }
}

/** A batch in which every row has an output decodes; in others a prompt is being read. */
export function classOfRows(batch: readonly Row[], outputs: number): BatchClass {
  return batchClassOf(batch.length, outputs === batch.length)
}

/**
 * Names batches that take about the same time; nothing for several steps, which are short ones: a CPU adapter does not fill its
 * cores with them, and sleeping through them was 1.2 times slower than looking for their end.
 */
export function workOf(rows: readonly Row[], steps: number, outputs: number): string {
  return steps > 1 ? '' : `${rows.length} rows, ${outputs} outputs`
}
