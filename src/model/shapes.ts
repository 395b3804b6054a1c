/** The weights of a model: the library's own names for them, their order, and the shapes that a config gives them. */
import type { ModelConfig } from './config.ts'

export type LayerWeight = 'attentionNorm' | 'wq' | 'wk' | 'wv' | 'wo' | 'ffnNorm' | 'w1' | 'w2' | 'w3'

export type TopWeight = 'tokEmbeddings' | 'norm' | 'output'

/** The library's own name of a weight, whatever the format calls it. */
export type WeightName = TopWeight | `layers.${number}.${LayerWeight}`

/** The weights of a layer in the order of the forward pass. */
export const LAYER_WEIGHTS: readonly LayerWeight[] = [
  'attentionNorm',
  'wq',
  'wk',
  'wv',
  'wo',
  'ffnNorm',
  'w1',
  'w3',
  'w2',
]

/** Every weight of a model in the order of the forward pass. `output` is absent when it is tied. */
export function weightNames({ nLayers, tiedEmbeddings }: ModelConfig): WeightName[] {
  const names: WeightName[] = ['tokEmbeddings']
  for (let layer = 0; layer < nLayers; layer++) {
    for (const weight of LAYER_WEIGHTS) names.push(`layers.${layer}.${weight}`)
  }
  names.push('norm')
  if (!tiedEmbeddings) names.push('output')
  return names
}

/** Takes a name apart: the layer, undefined for the weights outside of layers, and which weight it is. */
export function partsOf(
  name: WeightName,
): { layer: undefined; weight: TopWeight } | { layer: number; weight: LayerWeight } {
  const [top, layer, weight] = name.split('.')
  return weight === undefined
    ? { layer: undefined, weight: top as TopWeight }
    : { layer: Number(layer), weight: weight as LayerWeight }
}

/** [rows = outputs, cols = inputs] of a matrix, [elements] of a norm. */
export function expectedShape(config: ModelConfig, weight: TopWeight | LayerWeight): readonly number[] {
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
