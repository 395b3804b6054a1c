/** Brings the weights of a checkpoint to the GPU: read by pieces, fused, packed, uploaded. */
import type { Gpu } from '../gpu/device.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import type { LayerWeights, ModelWeights } from './mistral.ts'
import type { QuantizationReport, Rounding } from './rounding.ts'
import type { LayerBias, LayerWeight } from './shapes.ts'
import type { WeightsOption } from './size-types.ts'
import { type LoadWeightsOptions, WeightLoader } from './weight-loader.ts'
import { halvesToNeighbours, inOrder, interleaved } from './weight-sources.ts'

export interface LoadedWeights extends ModelWeights {
  /** undefined when no matrix was rounded. */
  readonly quantization: QuantizationReport | undefined
}

/**
 * Brings a checkpoint's weights to the GPU, piece by piece, in the layouts and fusions that the kernels take.
 * Throws `CheckpointError`, `MemoryError`, `AbortError`.
 */
export async function loadWeights(
  gpu: Gpu,
  checkpoint: Checkpoint,
  options: LoadWeightsOptions,
): Promise<LoadedWeights> {
  // Whoever keeps the types of the file needs no code that rounds.
  const { weights } = options
  const rounding = weights === 'native' ? undefined : await roundingFor(gpu, checkpoint, weights, options)
  const loader = new WeightLoader(gpu, checkpoint, options, rounding)
  try {
    const made = await loadAll(loader, checkpoint, options)
    await loader.end()
    await rounding?.end()
    return { ...made, quantization: rounding?.report() }
  } catch (error) {
    await loader.giveUp()
    rounding?.destroy()
    throw error
  }
}

async function roundingFor(
  gpu: Gpu,
  { totalBytes }: Checkpoint,
  weights: 'q8' | 'q4',
  { onlySizes, roundOnGpu }: LoadWeightsOptions,
): Promise<Rounding> {
  const { Rounding, roundsOnGpu } = await import('./rounding.ts')
  const rounding = new Rounding(weights)
  if (!onlySizes && (roundOnGpu ?? roundsOnGpu(gpu, totalBytes))) await rounding.useGpu(gpu)
  return rounding
}

async function loadAll(
  loader: WeightLoader,
  checkpoint: Checkpoint,
  options: LoadWeightsOptions,
): Promise<ModelWeights> {
  const { config } = checkpoint
  const { weights } = options
  // Under 'q4' the embedding and the output projection stay at 8 bits: they cost quality most.
  const ends = weights === 'q4' ? 'q8' : weights
  // Few checkpoints have both.
  const twin = checkpoint.outputMayBeTied
    ? new (await import('./twin.ts')).Twin(checkpoint.tensor('output'), checkpoint, options.signal)
    : undefined
  const embeddings = { ...loader.source('tokEmbeddings'), twin }
  if (options.onlySizes) await twin?.sample(embeddings.info)
  const tokEmbeddings = await loader.matrix('tokEmbeddings', [embeddings], inOrder, ends)
  const layers: LayerWeights[] = []
  for (let i = 0; i < config.nLayers; i++) layers.push(await loadLayer(loader, config, i, weights))
  const norm = loader.vector('norm')
  const ownOutput = () => loader.matrix('output', [loader.source('output')], inOrder, ends)
  const output = config.tiedEmbeddings || twin !== undefined ? tokEmbeddings : await ownOutput()
  const made = { tokEmbeddings, layers, norm, output }
  // All that is filled next is there.
  loader.staged?.touchAhead()
  await options.onAllocated?.(made)
  await loader.fill()
  // Whether the two are one is known when all of both was read.
  if (twin === undefined) return made
  if (twin.isSame) {
    loader.skip(twin.info)
    return made
  }
  options.note?.(twin.note(embeddings.info))
  const untied = { ...made, output: await ownOutput() }
  await loader.fill()
  return untied
}

async function loadLayer(
  loader: WeightLoader,
  config: ModelConfig,
  i: number,
  weights: WeightsOption,
): Promise<LayerWeights> {
  const source = (name: LayerWeight, bias: LayerBias) => loader.source(`layers.${i}.${name}`, `layers.${i}.${bias}`)
  const rotated = config.ropePairing === 'half' ? halvesToNeighbours(config.headDim) : undefined
  const qkv = [{ ...source('wq', 'bq'), order: rotated }, { ...source('wk', 'bk'), order: rotated }, source('wv', 'bv')]
  return {
    attentionNorm: loader.vector(`layers.${i}.attentionNorm`),
    wqkv: await loader.pieces(`layers.${i}.wqkv`, qkv, weights, config.headDim),
    wo: await loader.matrix(`layers.${i}.wo`, [source('wo', 'bo')], inOrder, weights),
    ffnNorm: loader.vector(`layers.${i}.ffnNorm`),
    w13: await loader.matrix(`layers.${i}.w13`, [source('w1', 'b1'), source('w3', 'b3')], interleaved, weights),
    w2: await loader.matrix(`layers.${i}.w2`, [source('w2', 'b2')], inOrder, weights),
  }
}
