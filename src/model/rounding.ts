/** Counts what it costs to round weights while they are loaded. It is loaded with models that ask for rounding. */
import type { RoundingSums } from '../kernels/quantize.ts'
import { ROUNDED_LAYOUTS } from '../kernels/rounding.ts'
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

export class Rounding {
  private readonly sums = new Map<string, RoundingSums>()

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
