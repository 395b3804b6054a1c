/** What requests do without as long as compilers of software adapters take. It is loaded on those. */
import type { Gpu } from '../gpu/device.ts'
import type { Recorder, Recording } from '../gpu/recorder.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import type { BatchShape } from '../kernels/shape.ts'
import { IdleWork } from './idle-work.ts'
import type { Mistral } from './mistral.ts'

/**
 * Products of rows and weights that software adapters compute, one row after another, in half of the time in which they compile
 * the kernels for many rows; and how few rows it is of no use for.
 */
const PRODUCTS = 2 ** 28
const SHORT = 16
/** Tokens that JavaScript chooses where compilers are the slowest, before the kernels that choose are compiled beside an answer. */
const CHOSEN_HERE = 16
/** The same from the whole vocabulary, whose kernel takes more than two seconds there: meanwhile requests are half as fast. */
const DENSE_CHOSEN_HERE = 512

/** Whoever writes down the layers of a model: `Recordings`. */
export interface LayersRecorder {
  recorder(record: (r: Recorder<BatchShape>) => Promise<void>, gpu: Gpu): Promise<Recorder<BatchShape>>
  recordLayers(
    r: Recorder<BatchShape>,
    batchClass: BatchClass,
    options: { readonly outputsClass: BatchClass },
  ): Promise<void>
  prompt(outputs: number): Promise<Recording<BatchShape>>
}

export class Meanwhile {
  /** What is compiled ahead. */
  readonly idle = new IdleWork()
  /**
   * SwiftShader, whose subgroups have four lanes, takes a second for all kernels, one after another: they wait until nothing else is
   * to do. Others take a tenth of that.
   */
  readonly isSlow: boolean
  /**
   * Rows that the first prompts may have together to go through the kernels of single rows, which decoding takes anyway; 0 where
   * those for many rows are waited for.
   */
  readonly rowsAlone: number
  /** A batch of many rows had an output. */
  private hasAnswered = false
  /** Rows of prompts that went through the kernels of single rows. */
  private alone = 0
  /** Tokens that JavaScript chose, by the names of the kernels in whose place. */
  private readonly chosen = new Map<string, number>()

  /** Recordings with kernels for more rows, by outputs; undefined as long as those are not compiled. */
  private readonly wide = new Map<BatchClass, Promise<Recording<BatchShape>> | undefined>()

  constructor(private readonly model: Mistral) {
    this.isSlow = model.gpu.tuning.subgroupLanes === 4
    this.rowsAlone = rowsAlone(model, this.isSlow ? 2 * PRODUCTS : PRODUCTS)
  }

  /**
   * Whether so many rows of a prompt go through the kernels of single rows. That must not depend on what is compiled by now, since the
   * last bits of the two differ: so it depends on the rows of the prompts before, and a seed gives the same in each process.
   */
  goesAlone(rows: number): boolean {
    const together = this.alone + rows
    const fits = together <= this.rowsAlone
    // What does not fit compiles the others, and all take those then. Where they are there soon, the second prompt does.
    this.alone = fits && this.isSlow ? together : Infinity
    return fits
  }

  /**
   * As how many outputs the first prompt's one counts where that goes through the kernels for many rows: its last layer takes those that the
   * other layers have, so that the first token waits for no others.
   */
  get firstOutputs(): 1 | 2 {
    const { rowsAlone, hasAnswered, model } = this
    return rowsAlone === 0 && !hasAnswered && model.config.nLayers > 1 ? 2 : 1
  }

  /** As how many the outputs of a batch of many rows count, which is computed now. */
  outputsOf(outputs: number): number {
    const counted = Math.max(outputs, this.firstOutputs)
    if (outputs > 0) this.hasAnswered = true
    return counted
  }

  /**
   * A batch of many rows, of which so many have an output, that is computed now. Kernels that take sixteen rows at a time give the same
   * bits in three quarters of the time, and compile for as long as some prompts take: from the first prompt on they are compiled when
   * nothing else is to do, and taken from then on.
   */
  promptOf(outputs: number, recordings: LayersRecorder): Promise<Recording<BatchShape>> {
    const counted = this.outputsOf(outputs)
    const outputsClass = counted <= 1 ? 1 : 'many'
    // The first prompt of all counts as one of several, the next do not.
    for (const each of [1, outputsClass] as const) {
      if (this.wide.has(each)) continue
      this.wide.set(each, undefined)
      this.idle.add(() => this.widen(each, recordings))
    }
    return this.wide.get(outputsClass) ?? recordings.prompt(counted)
  }

  /** Adds what is to be compiled to the work that waits. What goes wrong leaves the kernels before in use. */
  private async widen(outputsClass: BatchClass, recordings: LayersRecorder): Promise<void> {
    const { gpu } = this.model
    for (const piece of await this.widePieces(outputsClass, recordings)) {
      this.idle.add(async () => !gpu.isDisposed && piece())
    }
  }

  /** What compiles these kernels, one after another, and takes them in the end; nothing where they are of no use. */
  private async widePieces(outputsClass: BatchClass, recordings: LayersRecorder): Promise<(() => Promise<unknown>)[]> {
    const { gpu } = this.model
    if (gpu.isDisposed || !(await this.gainsByWide())) return []
    const wide = gpu.withTuning({ matmul: { ...gpu.tuning.matmul, many: 'rows16' } })
    const recorder = await recordings.recorder((r) => recordings.recordLayers(r, 'many', { outputsClass }), wide)
    const keep = async () => this.wide.set(outputsClass, Promise.resolve(await recorder.build()))
    return [...recorder.pieces(), keep]
  }

  /** For who measures: prompts of one output are computed as they are when nothing is left to compile. */
  async settle(recordings: LayersRecorder): Promise<void> {
    this.noneAlone()
    this.hasAnswered = true
    for (const piece of await this.widePieces(1, recordings)) await piece()
  }

  /** Whether such kernels would be others than those in use. */
  private async gainsByWide(): Promise<boolean> {
    const { gpu, weights, workspace } = this.model
    if (gpu.tuning.matmul.many !== 'rows8') return false
    const { bindsRows } = await import('../kernels/rows-matmuls.ts')
    const { wqkv, wo, w13, w2 } = weights.layers[0]!
    const { h, heads, hidden } = workspace
    const products = [
      [h, wqkv],
      [heads, wo],
      [h, w13],
      [hidden, w2],
    ] as const
    return products.some(([x, matrix]) => [matrix].flat().some((weight) => bindsRows(gpu, { x, weight })))
  }

  /** Prompts are computed by the kernels for many rows from now on. */
  noneAlone(): void {
    this.alone = Infinity
  }

  /** The kernels for many rows are needed soon, by who never rests too. */
  get needsMany(): boolean {
    return this.isSlow && this.alone > 0.75 * this.rowsAlone
  }

  /** Compiles it, where that takes long piece by piece when nothing else is to do. */
  later(recorder: Recorder<BatchShape>): void {
    const { gpu } = this.model
    if (!this.isSlow) recorder.compile().catch(() => {})
    else for (const piece of recorder.pieces()) this.idle.add(() => (gpu.isDisposed ? Promise.resolve() : piece()))
  }

  /**
   * JavaScript chooses so many tokens in place of these kernels: whether they are compiled `beside` an answer that goes on, or `later`,
   * as is said the first time.
   */
  chose(kernels: string, tokens: number, isDense: boolean): 'beside' | 'later' | undefined {
    const before = this.chosen.get(kernels) ?? 0
    this.chosen.set(kernels, before + tokens)
    if (!this.isSlow || before + tokens > (isDense ? DENSE_CHOSEN_HERE : CHOSEN_HERE)) return 'beside'
    return before === 0 && !isDense ? 'later' : undefined
  }
}

function rowsAlone({ gpu, config, weights }: Mistral, products: number): number {
  // Batches of many rows are cut in tiles that kernels for one row do not take.
  if (gpu.tuning.attention === 'tiles' || gpu.tuning.foldedNorms[1]) return 0
  const { wqkv, wo, w13, w2 } = weights.layers[0]!
  const elements = [wqkv, wo, w13, w2].flat().reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  const rows = Math.floor(products / (elements * config.nLayers))
  return rows >= SHORT ? rows : 0
}
