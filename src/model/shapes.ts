/** The weights of a model: the library's own names for them, their order, and the shapes that a config gives them. */
import type { ModelConfig } from './config.ts'

/** The matrices of a layer. */
export type LayerMatrix = 'wq' | 'wk' | 'wv' | 'wo' | 'w1' | 'w2' | 'w3'

/** The biases of a layer's matrices. */
export type LayerBias = 'bq' | 'bk' | 'bv' | 'bo' | 'b1' | 'b2' | 'b3'

export type LayerWeight = 'attentionNorm' | 'ffnNorm' | LayerMatrix

export type TopWeight = 'tokEmbeddings' | 'norm' | 'output'

/** The library's own name of a weight, whatever the format calls it. */
export type WeightName = TopWeight | `layers.${number}.${LayerWeight | LayerBias}`

/** The matrix of each bias. */
export const MATRIX_OF: Readonly<Record<LayerBias, LayerMatrix>> = {
  bq: 'wq',
  bk: 'wk',
  bv: 'wv',
  bo: 'wo',
  b1: 'w1',
  b2: 'w2',
  b3: 'w3',
}

export const LAYER_BIASES = Object.keys(MATRIX_OF) as readonly LayerBias[]

/** Whether the config wants this bias. */
export function wantsBias({ attentionBias, mlpBias }: ModelConfig, bias: LayerBias): boolean {
  return /^b[qkvo]$/.test(bias) ? attentionBias : mlpBias
}

/** The weights of a layer in the order of the forward pass. */
const LAYER_WEIGHTS: readonly LayerWeight[] = ['attentionNorm', 'wq', 'wk', 'wv', 'wo', 'ffnNorm', 'w1', 'w3', 'w2']

/** Every weight of a model but biases, in the order of the forward pass. `output` is absent when it is tied. */
export function weightNames({ nLayers, tiedEmbeddings }: ModelConfig): WeightName[] {
  const names: WeightName[] = ['tokEmbeddings']
  for (let layer = 0; layer < nLayers; layer++) {
    for (const weight of LAYER_WEIGHTS) names.push(`layers.${layer}.${weight}`)
  }
  names.push('norm')
  if (!tiedEmbeddings) names.push('output')
  return names
}

/** A name taken apart: the layer, undefined for what is outside of layers, and which weight it is. */
export type NameParts =
  | { readonly layer: undefined; readonly weight: TopWeight }
  | { readonly layer: number; readonly weight: LayerWeight | LayerBias }

export function partsOf(name: WeightName): NameParts {
  const [top, layer, weight] = name.split('.')
  return weight === undefined
    ? { layer: undefined, weight: top as TopWeight }
    : { layer: Number(layer), weight: weight as LayerWeight | LayerBias }
}

export function isBias(weight: NameParts['weight']): weight is LayerBias {
  return Object.hasOwn(MATRIX_OF, weight)
}

/** [rows = outputs, cols = inputs] of a matrix, [elements] of a norm or a bias. */
export function expectedShape(config: ModelConfig, weight: NameParts['weight']): readonly number[] {
  if (isBias(weight)) return expectedShape(config, MATRIX_OF[weight]).slice(0, 1)
  const { dim, hiddenDim, vocabSize } = config
  const queries = config.nHeads * config.headDim
  const keys = config.nKvHeads * config.headDim
  const shapes: Readonly<Record<TopWeight | LayerWeight, readonly number[]>> = {
    tokEmbeddings: [vocabSize, dim],
    output: [vocabSize, dim],
    norm: [dim],
    attentionNorm: [dim],
    ffnNorm: [dim],
    wq: [queries, dim],
    wk: [keys, dim],
    wv: [keys, dim],
    wo: [dim, queries],
    w1: [hiddenDim, dim],
    w3: [hiddenDim, dim],
    w2: [dim, hiddenDim],
  }
  return shapes[weight]
}

/** The name of a layer's weight in a format that ends matrices and norms with `.weight` and biases with `.bias`. */
export function namedAfter(weight: LayerWeight | LayerBias, stem: (weight: LayerWeight) => string): string {
  return isBias(weight) ? `${stem(MATRIX_OF[weight])}.bias` : `${stem(weight)}.weight`
}
