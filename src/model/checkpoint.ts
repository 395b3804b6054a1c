/** A checkpoint of any format under one set of names, with every shape checked before a byte of weights is read. */
import { CheckpointError } from '../errors.ts'
import { decodeToF32 } from '../formats/blocks.ts'
import { readJson } from '../formats/byte-reader.ts'
import type { TensorFile, TensorInfo } from '../formats/checkpoint.ts'
import { openGguf } from '../formats/gguf.ts'
import type { GgufMetadata } from '../formats/gguf-metadata.ts'
import { foreignFile, noCheckpoint, quantizedFact, refuseOtherGguf, weightsName } from '../formats/no-checkpoint.ts'
import { openSafetensors } from '../formats/safetensors.ts'
import { openShardedSafetensors } from '../formats/safetensors-index.ts'
import { missing, type SourceFiles } from '../formats/source.ts'
import { type ModelConfig, withSlidingWindow } from './config.ts'
import { parseGgufConfig } from './config-gguf.ts'
import { parseHfConfig, withGenerationConfig } from './config-hf.ts'

export type LayerWeight = 'attentionNorm' | 'wq' | 'wk' | 'wv' | 'wo' | 'ffnNorm' | 'w1' | 'w2' | 'w3'

/** The library's own name of a weight, whatever the format calls it. */
export type WeightName = 'tokEmbeddings' | 'norm' | 'output' | `layers.${number}.${LayerWeight}`

export interface Checkpoint {
  readonly config: ModelConfig
  readonly format: 'safetensors' | 'gguf'
  readonly files: SourceFiles
  /** A GGUF's metadata, which holds its tokenizer and chat template. */
  readonly gguf: GgufMetadata | undefined
  /** Of all the weights that the model uses; tied embeddings count once. */
  readonly totalBytes: number
  /** Every weight that the model uses, in the order of the forward pass. `output` is absent when it is tied. */
  readonly names: readonly WeightName[]
  /**
   * Where a weight lies. With tied embeddings `output` is the embedding matrix.
   * @throws RangeError for a name that the model does not have, which is the caller's bug
   */
  tensor(name: WeightName): TensorInfo
  /** `length` bytes of a tensor from `offset`, relative to the tensor. */
  readTensor(info: TensorInfo, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /** Closes the files; the checkpoint cannot be read afterwards. */
  close(): Promise<void>
}

export interface CheckpointOptions {
  readonly signal?: AbortSignal | undefined
  /** A sliding window in place of the checkpoint's own; null is full attention in every layer. */
  readonly slidingWindow?: number | null | undefined
}

const MAX_CONFIG_BYTES = 4 * 1024 * 1024

const LAYER_WEIGHTS: readonly LayerWeight[] = ['attentionNorm', 'wq', 'wk', 'wv', 'wo', 'ffnNorm', 'w1', 'w3', 'w2']

const HF_LAYER: Readonly<Record<LayerWeight, string>> = {
  attentionNorm: 'input_layernorm',
  wq: 'self_attn.q_proj',
  wk: 'self_attn.k_proj',
  wv: 'self_attn.v_proj',
  wo: 'self_attn.o_proj',
  ffnNorm: 'post_attention_layernorm',
  w1: 'mlp.gate_proj',
  w2: 'mlp.down_proj',
  w3: 'mlp.up_proj',
}

const GGUF_LAYER: Readonly<Record<LayerWeight, string>> = {
  attentionNorm: 'attn_norm',
  wq: 'attn_q',
  wk: 'attn_k',
  wv: 'attn_v',
  wo: 'attn_output',
  ffnNorm: 'ffn_norm',
  w1: 'ffn_gate',
  w2: 'ffn_down',
  w3: 'ffn_up',
}

/**
 * Opens the GGUF that the source names, or its safetensors with `config.json`. On failure the caller still owns
 * `files` and closes it.
 * @throws CheckpointError naming file, tensor and fact; ConfigError naming the field; AbortError
 */
export async function openCheckpoint(files: SourceFiles, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const opened = files.ggufName === undefined ? await openHf(files, options) : await openGgufModel(files, options)
  const { config, container, format, gguf } = opened
  const names = weightNames(config)
  const weights = new Map<WeightName, TensorInfo>()
  for (const name of names) weights.set(name, findTensor(opened, name))
  refuseBiases(opened)
  refuseMoreLayers(opened)
  let totalBytes = 0
  for (const info of weights.values()) totalBytes += info.byteLength
  const embeddings = weights.get('tokEmbeddings')
  if (config.tiedEmbeddings && embeddings !== undefined) weights.set('output', embeddings)
  return {
    config,
    format,
    files,
    gguf,
    totalBytes,
    names,
    tensor(name) {
      const info = weights.get(name)
      if (info === undefined) throw new RangeError(`the model has no weight ${name}`)
      return info
    },
    readTensor: (info, offset, length, signal) => container.read(info, offset, length, signal),
    close: () => files.close(),
  }
}

interface Opened {
  readonly config: ModelConfig
  readonly format: Checkpoint['format']
  readonly container: TensorFile
  readonly gguf: GgufMetadata | undefined
  /** The file to blame when a tensor is missing. */
  readonly mainFile: string
  readonly nameInFile: (layer: number | undefined, weight: string) => string
}

/** A config that names fewer layers than there are would load half a model. */
function refuseMoreLayers({ config, container, mainFile, nameInFile }: Opened): void {
  const tensor = nameInFile(config.nLayers, 'attentionNorm')
  if (!has(container, tensor)) return
  throw new CheckpointError({ file: mainFile, tensor }, `is there, but the config names only ${config.nLayers} layers`)
}

async function openGgufModel(files: SourceFiles, options: CheckpointOptions): Promise<Opened> {
  const name = files.ggufName!
  const reader = await files.open(name, options.signal)
  if (reader === undefined) throw missing(files, name, `is missing from ${files.label}`)
  const container = await openGguf(reader, options.signal)
  refuseOtherGguf(name, container.metadata)
  const all = new Map<string, { shape: readonly number[] }>([...container.tensors, ...container.unsupported])
  const config = parseGgufConfig(container.metadata, all, options)
  await refuseRopeFactors(container, name, config, options.signal)
  const top: Readonly<Record<string, string>> = { tokEmbeddings: 'token_embd', norm: 'output_norm', output: 'output' }
  return {
    config,
    format: 'gguf',
    container,
    gguf: container.metadata,
    mainFile: name,
    nameInFile: (layer, weight) =>
      layer === undefined ? `${top[weight]}.weight` : `blk.${layer}.${GGUF_LAYER[weight as LayerWeight]}.weight`,
  }
}

/** undefined when the folder has none. Chat models keep ids there that end an answer besides the config's own. */
async function generationConfig(files: SourceFiles, signal: AbortSignal | undefined): Promise<unknown> {
  const reader = await files.open('generation_config.json', signal)
  return reader === undefined ? undefined : readJson(reader, MAX_CONFIG_BYTES, signal)
}

async function openHf(files: SourceFiles, options: CheckpointOptions): Promise<Opened> {
  const { signal } = options
  const foreign = await foreignFile(files, signal)
  if (foreign !== undefined) throw foreign
  const configReader = await files.open('config.json', signal)
  if (configReader === undefined) throw await noCheckpoint(files, signal)
  const parsed = parseHfConfig(await readJson(configReader, MAX_CONFIG_BYTES, signal))
  const windowed = options.slidingWindow === undefined ? parsed : withSlidingWindow(parsed, options.slidingWindow)
  const config = withGenerationConfig(windowed, await generationConfig(files, signal))
  const { container, mainFile } = await openWeights(files, signal)
  // `MistralModel` saved without its head has no `model.` in front.
  const prefix = has(container, 'embed_tokens.weight') ? '' : 'model.'
  const top: Readonly<Record<string, string>> = {
    tokEmbeddings: `${prefix}embed_tokens`,
    norm: `${prefix}norm`,
    output: 'lm_head',
  }
  return {
    config,
    format: 'safetensors',
    container,
    gguf: undefined,
    mainFile,
    nameInFile: (layer, weight) =>
      layer === undefined
        ? `${top[weight]}.weight`
        : `${prefix}layers.${layer}.${HF_LAYER[weight as LayerWeight]}.weight`,
  }
}

async function openWeights(
  files: SourceFiles,
  signal: AbortSignal | undefined,
): Promise<{ container: TensorFile; mainFile: string }> {
  const named = weightsName(files)
  const single = await files.open(named, signal)
  if (single !== undefined) return { container: await openSafetensors(single, signal), mainFile: named }
  const indexName = 'model.safetensors.index.json'
  const index = await files.open(indexName, signal)
  if (index !== undefined) return { container: await openShardedSafetensors(files, index, signal), mainFile: indexName }
  throw await noCheckpoint(files, signal)
}

function weightNames(config: ModelConfig): WeightName[] {
  const names: WeightName[] = ['tokEmbeddings']
  for (let layer = 0; layer < config.nLayers; layer++) {
    for (const weight of LAYER_WEIGHTS) names.push(`layers.${layer}.${weight}`)
  }
  names.push('norm')
  if (!config.tiedEmbeddings) names.push('output')
  return names
}

/** [rows = outputs, cols = inputs] of a matrix, [elements] of a norm. */
function expectedShape(config: ModelConfig, weight: string): readonly number[] {
  const { dim, hiddenDim, vocabSize } = config
  const queries = config.nHeads * config.headDim
  const keys = config.nKvHeads * config.headDim
  const shapes: Readonly<Record<string, readonly number[]>> = {
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
  return shapes[weight]!
}

function findTensor(opened: Opened, name: WeightName): TensorInfo {
  const { container, mainFile } = opened
  const [, layer, layerWeight] = name.split('.')
  const weight = layerWeight ?? name
  const tensor = opened.nameInFile(layer === undefined ? undefined : Number(layer), weight)
  const refused = container.unsupported.get(tensor)
  const info = container.tensors.get(tensor)
  const quantized = info === undefined ? quantizedFact((name) => has(container, name), tensor) : undefined
  if (quantized !== undefined) throw new CheckpointError({ file: mainFile, tensor }, quantized)
  if (refused !== undefined) {
    throw new CheckpointError({ file: refused.file, tensor }, `elements of type ${refused.type} are not supported`)
  }
  if (info === undefined) throw new CheckpointError({ file: mainFile, tensor }, 'is missing')
  const expected = expectedShape(opened.config, weight)
  if (info.shape.length !== expected.length || info.shape.some((size, d) => size !== expected[d])) {
    throw new CheckpointError(
      { file: info.file, tensor },
      `has the shape [${info.shape.join(', ')}], the config says [${expected.join(', ')}]`,
    )
  }
  return info
}

function has(container: TensorFile, name: string): boolean {
  return container.tensors.has(name) || container.unsupported.has(name)
}

/** Other tensors are of no use to the model and ignored; a bias of one of its matrices would change every answer. */
function refuseBiases(opened: Opened): void {
  for (let layer = 0; layer < opened.config.nLayers; layer++) {
    for (const weight of LAYER_WEIGHTS) {
      const bias = opened.nameInFile(layer, weight).replace(/weight$/, 'bias')
      if (has(opened.container, bias)) {
        throw new CheckpointError({ file: opened.mainFile, tensor: bias }, 'biases are not supported')
      }
    }
  }
}

/** Llama 3.1's converters put its frequency factors into a tensor. Ones change nothing. */
async function refuseRopeFactors(
  container: TensorFile,
  file: string,
  config: ModelConfig,
  signal?: AbortSignal,
): Promise<void> {
  for (const tensor of ['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight']) {
    if (!has(container, tensor)) continue
    const info = container.tensors.get(tensor)
    const small = info !== undefined && info.shape.length === 1 && info.shape[0] === config.headDim / 2
    const ones =
      small && decodeToF32(info.dtype, await container.read(info, 0, info.byteLength, signal)).every((f) => f === 1)
    if (!ones) throw new CheckpointError({ file, tensor }, 'RoPE frequency factors other than 1 are not supported')
  }
}
