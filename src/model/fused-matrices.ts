/** The matrices of a model as they lie on the GPU, and the model's own matrices that each is made of. */
import type { LayerMatrix } from './shapes.ts'

/** A matrix as it lies on the GPU, which may be several of the model's own. */
export type FusedMatrix = 'wqkv' | 'wo' | 'w13' | 'w2' | 'output'

/** The model's own matrices that each is made of. */
export const PARTS_OF: Readonly<Record<FusedMatrix, readonly (LayerMatrix | 'output')[]>> = {
  wqkv: ['wq', 'wk', 'wv'],
  wo: ['wo'],
  w13: ['w1', 'w3'],
  w2: ['w2'],
  output: ['output'],
}

/** Where a matrix stands in the model: `layers.3.wqkv`, or `output`. */
export type MatrixPlace = `layers.${number}.${FusedMatrix}` | 'output'

export function placeOf(layer: number | undefined, matrix: FusedMatrix): MatrixPlace {
  return layer === undefined ? 'output' : `layers.${layer}.${matrix}`
}
