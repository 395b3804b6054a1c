/** Counts what it costs to round weights while they are loaded. It is loaded with models that ask for rounding. */
import type { MatrixType } from '../formats/blocks.ts'
import type { Gpu } from '../gpu/device.ts'
import type { RoundingSums } from '../kernels/quantize.ts'
import type { BlockRounder, RoundedMatrix } from '../kernels/round-blocks.ts'
import { ROUNDED_LAYOUTS } from '../kernels/rounding.ts'
import type { Matrix } from '../kernels/weight.ts'
import type { WeightLayout } from '../kernels/weight-layouts.ts'
import { partsOf, type WeightName } from './shapes.ts'

/**
 * How far rounded weights are from those of the checkpoint. An error is relative: the root of the summed squares of the
 * differences, over the root of the summed squares of the weights. 0.08 is usual for 4 bits, 0.005 for 8.
 */
export interface QuantizationReport {
  /** The type that was asked for. */
  readonly weights: 'q8' | 'q4'
  /** Of all matrices that were rounded. Those that the checkpoint has in the very type do not count. */
  readonly relativeError: number
  /** Of the matrices of one kind, all layers together. Names are `tokEmbeddings`, `output`, `wq`, `wk`, `wv`, `wo`, `w1`, `w2`, `w3`. */
  readonly byMatrix: Readonly<Record<string, number>>
}

/** Checkpoints of fewer bytes are rounded by the CPU before the GPU's shader is compiled. */
const WORTH_COMPILING = 64 << 20
/** An adapter that computes on the CPU needs so many lanes to be faster than JavaScript. */
const LANES = 8
/** Matrices that are told apart: as many as `shapes.ts` has names for. */
const KINDS = 9

/** Whether the GPU rounds the weights of a checkpoint of so many bytes, as far as they are of types that it takes. */
export function roundsOnGpu({ software, tuning }: Gpu, bytes: number): boolean {
  return bytes >= WORTH_COMPILING && (!software || tuning.subgroupLanes >= LANES)
}

export class Rounding {
  private readonly sums = new Map<string, RoundingSums>()
  private gpu:
    | { readonly rounder: BlockRounder; readonly canRound: typeof import('../kernels/round-blocks.ts').canRound }
    | undefined

  constructor(private readonly weights: 'q8' | 'q4') {}

  layout(weights: 'q8' | 'q4'): WeightLayout {
    return ROUNDED_LAYOUTS[weights]
  }

  /** Where rows of this matrix are counted. */
  sumsOf(name: WeightName): RoundingSums {
    const kind = partsOf(name).weight
    const known = this.sums.get(kind) ?? { error: 0, total: 0 }
    this.sums.set(kind, known)
    return known
  }

  /** From here on the GPU rounds what it can. Throws `MemoryError`. */
  async useGpu(gpu: Gpu): Promise<void> {
    const { BlockRounder, canRound } = await import('../kernels/round-blocks.ts')
    this.gpu = { rounder: new BlockRounder(gpu, KINDS), canRound }
  }

  /**
   * Where rows of a matrix go as they are stored, at most `count` at a time; undefined where the CPU rounds them. Throws `DeviceError`,
   * `MemoryError`.
   */
  async open(matrix: Matrix, types: readonly MatrixType[], count: number): Promise<RoundedMatrix | undefined> {
    const { gpu } = this
    return gpu?.canRound(types, matrix[0]!.cols) ? gpu.rounder.open(matrix, types[0]!, count) : undefined
  }

  /** The number by which the GPU counts rows of this matrix. */
  kindOf(name: WeightName): number {
    this.sumsOf(name)
    return [...this.sums.keys()].indexOf(partsOf(name).weight)
  }

  /** Takes over what the GPU counted, and frees what it was counted and rounded with. */
  async end(): Promise<void> {
    const lost = (await this.gpu?.rounder.lost()) ?? []
    for (const [kind, sums] of [...this.sums.values()].entries()) {
      sums.error += lost[kind]?.error ?? 0
      sums.total += lost[kind]?.total ?? 0
    }
    this.destroy()
  }

  /** Frees what is on the GPU. Safe to call twice. */
  destroy(): void {
    this.gpu?.rounder.destroy()
    this.gpu = undefined
  }

  /** undefined when nothing was rounded. */
  report(): QuantizationReport | undefined {
    const rounded = [...this.sums].filter(([, { total }]) => total !== 0)
    if (rounded.length === 0) return undefined
    const all = { error: 0, total: 0 }
    for (const [, { error, total }] of rounded) {
      all.error += error
      all.total += total
    }
    const byMatrix = Object.fromEntries(rounded.map(([kind, sums]) => [kind, relative(sums)]))
    return { weights: this.weights, relativeError: relative(all), byMatrix }
  }
}

function relative({ error, total }: RoundingSums): number {
  return Math.sqrt(error / total)
}

/** One sentence for the user. */
export function roundingNote({ weights, relativeError, byMatrix }: QuantizationReport): string {
  const [worst, error] = Object.entries(byMatrix).reduce((a, b) => (b[1] > a[1] ? b : a))
  return `weights are rounded to ${weights}: they err by ${percent(relativeError)} (root mean square), most in ${worst}, by ${percent(error)}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
