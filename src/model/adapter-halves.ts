/** The tensors of an adapter of any format: which matrix each is a half of, checked against the model's shapes. */
import { CheckpointError } from '../errors.ts'
import type { TensorFile, TensorInfo } from '../formats/tensor-file.ts'
import type { AdaptedMatrix, LowRank } from './adapter-weights.ts'
import type { ModelConfig } from './config.ts'
import { expectedShape, type LayerMatrix } from './shapes.ts'

/** One half of an adapter's matrix pair. */
export interface Half {
  readonly matrix: AdaptedMatrix
  readonly half: 'a' | 'b'
}

/** Collects the tensors of an adapter, and joins the halves. */
export class Halves {
  private readonly found = new Map<AdaptedMatrix, { a?: TensorInfo; b?: TensorInfo }>()

  constructor(
    private readonly file: string,
    private readonly container: TensorFile,
    private readonly config: ModelConfig,
  ) {}

  /** @param halfOf what a tensor is, by its name; undefined for one that changes nothing; throws for others */
  collect(halfOf: (name: string) => Half | undefined): void {
    const { container, file } = this
    for (const name of [...container.tensors.keys(), ...container.unsupported.keys()]) {
      const part = halfOf(name)
      if (part === undefined) continue
      const info = container.tensors.get(name)
      if (info === undefined) {
        const type = container.unsupported.get(name)?.type
        throw new CheckpointError({ file, tensor: name }, `elements of type ${type} are not supported`)
      }
      const halves = this.found.get(part.matrix) ?? {}
      if (halves[part.half] !== undefined) {
        throw new CheckpointError({ file, tensor: name }, `is there twice: ${halves[part.half]?.name} is the same`)
      }
      this.found.set(part.matrix, { ...halves, [part.half]: info })
    }
    if (this.found.size === 0) throw new CheckpointError({ file }, 'holds no matrices of an adapter')
  }

  get matrices(): readonly AdaptedMatrix[] {
    return [...this.found.keys()]
  }

  /** @param scaleOf the scale of a matrix whose rank is known */
  join(scaleOf: (matrix: AdaptedMatrix, rank: number, a: TensorInfo) => number): Map<AdaptedMatrix, LowRank> {
    const joined = new Map<AdaptedMatrix, LowRank>()
    for (const [matrix, { a, b }] of this.found) {
      const some = (a ?? b)!
      if (a === undefined || b === undefined) {
        const other = a === undefined ? 'A' : 'B'
        throw new CheckpointError({ file: this.file, tensor: some.name }, `has no matrix ${other} beside it`)
      }
      const rank = this.checkShapes(matrix, a, b)
      joined.set(matrix, { a, b, scale: scaleOf(matrix, rank, a) })
    }
    return joined
  }

  /** Returns the rank. */
  private checkShapes(matrix: AdaptedMatrix, a: TensorInfo, b: TensorInfo): number {
    const { layer, weight } = takeApart(matrix)
    if (layer !== undefined && layer >= this.config.nLayers) {
      throw new CheckpointError(
        { file: this.file, tensor: a.name },
        `is of layer ${layer}, and the model has ${this.config.nLayers}: was the adapter made for another model?`,
      )
    }
    const [outputs, inputs] = expectedShape(this.config, weight) as [number, number]
    const rank = a.shape[0] ?? 0
    this.checkShape(a, [rank, inputs])
    this.checkShape(b, [outputs, rank])
    return rank
  }

  private checkShape({ name, shape }: TensorInfo, expected: readonly number[]): void {
    if (shape.length === 2 && shape[0] === expected[0] && shape[1] === expected[1] && !shape.includes(0)) return
    const needs = `the model needs [${expected.join(', ')}]: was the adapter made for another model?`
    throw new CheckpointError({ file: this.file, tensor: name }, `has the shape [${shape.join(', ')}], ${needs}`)
  }
}

function takeApart(matrix: AdaptedMatrix): { layer: number | undefined; weight: LayerMatrix | 'output' } {
  if (matrix === 'output') return { layer: undefined, weight: matrix }
  const [, layer, weight] = matrix.split('.')
  return { layer: Number(layer), weight: weight as LayerMatrix }
}
