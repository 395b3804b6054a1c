/** Opens Mistral's own layout: `params.json` beside `consolidated.safetensors`, in one file or in shards. */
import { CheckpointError } from '../errors.ts'
import { readJson } from '../formats/byte-reader.ts'
import { openSafetensors } from '../formats/safetensors.ts'
import { openShardedSafetensors } from '../formats/safetensors-index.ts'
import type { SourceFiles } from '../formats/source.ts'
import type { TensorFile } from '../formats/tensor-file.ts'
import { withSlidingWindow } from './config.ts'
import { parseNativeConfig } from './config-native.ts'
import { imageTensorsNote } from './hf-wrapper.ts'
import { type CheckpointOptions, hasTensor, type Opened } from './opened.ts'
import { parseNativeQuantization, type Quantization } from './quantization-hf.ts'
import { type LayerWeight, namedAfter, partsOf, type TopWeight } from './shapes.ts'

const MAX_CONFIG_BYTES = 4 * 1024 * 1024

const TOP: Readonly<Record<TopWeight, string>> = { tokEmbeddings: 'tok_embeddings', norm: 'norm', output: 'output' }

const LAYER: Readonly<Record<LayerWeight, string>> = {
  attentionNorm: 'attention_norm',
  wq: 'attention.wq',
  wk: 'attention.wk',
  wv: 'attention.wv',
  wo: 'attention.wo',
  ffnNorm: 'ffn_norm',
  w1: 'feed_forward.w1',
  w2: 'feed_forward.w2',
  w3: 'feed_forward.w3',
}

/**
 * @returns undefined when there is no `params.json`, or are no weights of this layout beside it
 * @throws CheckpointError, ConfigError, AbortError
 */
export async function openNative(files: SourceFiles, options: CheckpointOptions): Promise<Opened | undefined> {
  const { signal } = options
  const reader = await files.open('params.json', signal)
  if (reader === undefined) return undefined
  const weights = await openWeights(files, signal)
  if (weights === undefined) return undefined
  const { container: stored, mainFile } = weights
  const notes: string[] = []
  const note = (text: string) => notes.push(text)
  const params = await readJson(reader, MAX_CONFIG_BYTES, signal)
  const parsed = parseNativeConfig(params, note)
  const quantization = parseNativeQuantization((params as { quantization?: unknown }).quantization, note)
  const container = await openStored(stored, mainFile, quantization, signal)
  const config = options.slidingWindow === undefined ? parsed : withSlidingWindow(parsed, options.slidingWindow)
  const images = imageTensorsNote(mainFile, [...container.tensors.keys(), ...container.unsupported.keys()])
  if (images !== undefined) notes.push(images)
  return {
    config,
    format: 'mistral',
    container,
    gguf: undefined,
    mainFile,
    outputMayBeTied: config.tiedEmbeddings && hasTensor(container, `${TOP.output}.weight`),
    biases: [],
    biasesMayLack: false,
    notes,
    nameInFile(name) {
      const { layer, weight } = partsOf(name)
      if (layer === undefined) return `${TOP[weight]}.weight`
      return namedAfter(weight, (of) => `layers.${layer}.${LAYER[of]}`)
    },
  }
}

/**
 * The tensors, quantized ones put together.
 * @throws CheckpointError when they are quantized and nothing says so
 */
async function openStored(
  stored: TensorFile,
  file: string,
  quantization: Quantization | undefined,
  signal: AbortSignal | undefined,
): Promise<TensorFile> {
  if (quantization !== undefined) {
    const { openQuantized } = await import('./quantized-tensors.ts')
    return openQuantized(stored, quantization, signal)
  }
  const tensor = 'layers.0.attention.wq.qscale_weight'
  if (!hasTensor(stored, tensor)) return stored
  throw new CheckpointError({ file, tensor }, 'says that the weights are FP8, but params.json has no quantization')
}

async function openWeights(
  files: SourceFiles,
  signal: AbortSignal | undefined,
): Promise<{ container: TensorFile; mainFile: string } | undefined> {
  const { fileName } = files
  const isNamed = fileName !== undefined && /\.safetensors$/.test(fileName) && !/-\d{5}-of-\d{5}\./.test(fileName)
  const name = isNamed ? fileName : 'consolidated.safetensors'
  const single = await files.open(name, signal)
  if (single !== undefined) return { container: await openSafetensors(single, signal), mainFile: name }
  const indexName = 'consolidated.safetensors.index.json'
  const index = await files.open(indexName, signal)
  if (index === undefined) return undefined
  return { container: await openShardedSafetensors(files, index, signal), mainFile: indexName }
}
