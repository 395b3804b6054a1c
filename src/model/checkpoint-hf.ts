/** Opens Hugging Face checkpoints: `config.json` beside safetensors, in one file or in shards. */
import { readJson } from '../formats/byte-reader.ts'
import { openSafetensors } from '../formats/safetensors.ts'
import { openShardedSafetensors } from '../formats/safetensors-index.ts'
import type { SourceFiles } from '../formats/source.ts'
import type { TensorFile } from '../formats/tensor-file.ts'
import { weightsName } from '../formats/weights-name.ts'
import { withSlidingWindow } from './config.ts'
import { parseTextConfig, withGenerationConfig } from './config-hf.ts'
import { asObject } from './hf-classes.ts'
import { imageTensorsNote, textConfigOf } from './hf-wrapper.ts'
import { type CheckpointOptions, hasTensor, type Opened } from './opened.ts'
import { parseQuantization, type Quantization } from './quantization-hf.ts'
import { LAYER_BIASES, type LayerWeight, namedAfter, partsOf, type TopWeight, wantsBias } from './shapes.ts'

const MAX_CONFIG_BYTES = 4 * 1024 * 1024

export const HF_LAYER: Readonly<Record<LayerWeight, string>> = {
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

/**
 * @returns undefined when there is no `config.json`, or are no weights that belong to it
 * @throws CheckpointError, ConfigError, AbortError
 */
export async function openHf(files: SourceFiles, options: CheckpointOptions): Promise<Opened | undefined> {
  const { signal } = options
  const configReader = await files.open('config.json', signal)
  if (configReader === undefined) return undefined
  const notes: string[] = []
  const json = await readJson(configReader, MAX_CONFIG_BYTES, signal)
  const note = (text: string) => notes.push(text)
  const text = textConfigOf(asObject('config.json', json), note)
  const parsed = parseTextConfig(text, note)
  const windowed = options.slidingWindow === undefined ? parsed : withSlidingWindow(parsed, options.slidingWindow)
  const config = withGenerationConfig(windowed, await generationConfig(files, signal))
  const quantization = parseQuantization(text.fields, note)
  const weights = await openWeights(files, signal)
  if (weights === undefined) return undefined
  const { container: stored, mainFile } = weights
  const container = quantization === undefined ? stored : await openStored(stored, quantization, signal)
  if (text.wrapped) notes.push(...imageNotes(mainFile, container))
  const prefix = prefixOf(container, text.wrapped)
  const top = topNames(container, prefix)
  const ends = embeddingsOf(config.tiedEmbeddings, text.mayTie, container, top)
  return {
    config: { ...config, tiedEmbeddings: ends === 'one' },
    format: 'safetensors',
    container,
    gguf: undefined,
    mainFile,
    outputMayBeTied: ends === 'two that may be one',
    biases: LAYER_BIASES.filter((bias) => wantsBias(config, bias)),
    biasesMayLack: false,
    notes,
    nameInFile(name) {
      const { layer, weight } = partsOf(name)
      if (layer === undefined) return `${top[weight]}.weight`
      return namedAfter(weight, (of) => `${prefix}layers.${layer}.${HF_LAYER[of]}`)
    },
  }
}

/** `MistralModel` saved without its head has no `model.` in front; wrapped ones have the names of transformers 5, or of 4. */
function prefixOf(container: TensorFile, wrapped: boolean): string {
  const prefixes = wrapped ? ['model.language_model.', 'language_model.model.', 'language_model.'] : ['model.', '']
  return prefixes.find((prefix) => hasTensor(container, `${prefix}layers.0.input_layernorm.weight`)) ?? prefixes[0]!
}

function topNames(container: TensorFile, prefix: string): Record<TopWeight, string> {
  const inner = 'language_model.lm_head'
  const output = hasTensor(container, `${inner}.weight`) ? inner : 'lm_head'
  return { tokEmbeddings: `${prefix}embed_tokens`, norm: `${prefix}norm`, output }
}

function imageNotes(file: string, container: TensorFile): string[] {
  const note = imageTensorsNote(file, [...container.tensors.keys(), ...container.unsupported.keys()])
  return note === undefined ? [] : [note]
}

async function openStored(stored: TensorFile, quantization: Quantization, signal: AbortSignal | undefined) {
  const { openQuantized } = await import('./quantized-tensors.ts')
  return openQuantized(stored, quantization, signal)
}

/** A file that was named may be of a kind that nobody here reads. */
/**
 * How many matrices the embeddings are. transformers ties them when the config says so and one of them is missing,
 * whichever it is; with both in the file it ties them only if they are equal. `top` gets the name of the one that is there.
 */
function embeddingsOf(
  tied: boolean,
  mayTie: boolean,
  container: TensorFile,
  top: Record<TopWeight, string>,
): 'one' | 'two' | 'two that may be one' {
  const hasOutput = hasTensor(container, `${top.output}.weight`)
  if (!tied) return hasOutput || !mayTie ? 'two' : 'one'
  if (!hasOutput) return 'one'
  if (hasTensor(container, `${top.tokEmbeddings}.weight`)) return 'two that may be one'
  top.tokEmbeddings = top.output
  return 'one'
}

/** undefined when the folder has none. Chat models keep ids there that end an answer besides the config's own. */
async function generationConfig(files: SourceFiles, signal: AbortSignal | undefined): Promise<unknown> {
  const reader = await files.open('generation_config.json', signal)
  return reader === undefined ? undefined : readJson(reader, MAX_CONFIG_BYTES, signal)
}

async function openWeights(
  files: SourceFiles,
  signal: AbortSignal | undefined,
): Promise<{ container: TensorFile; mainFile: string } | undefined> {
  const named = weightsName(files)
  const single = await files.open(named, signal)
  if (single !== undefined) return { container: await openSafetensors(single, signal), mainFile: named }
  const indexName = 'model.safetensors.index.json'
  const index = await files.open(indexName, signal)
  if (index === undefined) return undefined
  return { container: await openShardedSafetensors(files, index, signal), mainFile: indexName }
}
