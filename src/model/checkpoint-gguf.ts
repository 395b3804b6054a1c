/** Opens GGUF checkpoints. */
import { CheckpointError } from '../errors.ts'
import { decodeToF32, typeName } from '../formats/blocks.ts'
import type { GgufFile } from '../formats/gguf.ts'
import type { GgufMetadata } from '../formats/gguf-metadata.ts'
import { openGgufParts } from '../formats/gguf-parts.ts'
import type { SourceFiles } from '../formats/source.ts'
import type { ModelConfig } from './config.ts'
import { parseGgufConfig } from './config-gguf.ts'
import { type CheckpointOptions, hasTensor, type Opened } from './opened.ts'
import { LAYER_BIASES, type LayerWeight, namedAfter, partsOf, type TopWeight, type WeightName } from './shapes.ts'

const GGUF_TOP: Readonly<Record<TopWeight, string>> = {
  tokEmbeddings: 'token_embd',
  norm: 'output_norm',
  output: 'output',
}

export const GGUF_LAYER: Readonly<Record<LayerWeight, string>> = {
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
 * @param name the `.gguf` in `files`, or any of its parts
 * @throws CheckpointError, ConfigError, AbortError
 */
export async function openGgufModel(files: SourceFiles, name: string, options: CheckpointOptions): Promise<Opened> {
  const container = await openGgufParts(files, name, options.signal)
  refuseOtherGguf(name, container.metadata)
  refuseScales(container)
  const all = new Map<string, { shape: readonly number[] }>([...container.tensors, ...container.unsupported])
  const config = parseGgufConfig(container.metadata, all, options)
  return {
    config: { ...config, ropeDivisors: await ropeDivisors(container, name, config, options.signal) },
    format: 'gguf',
    container,
    gguf: container.metadata,
    mainFile: name,
    outputMayBeTied: false,
    // The file says it by having them, as llama.cpp takes it.
    biases: LAYER_BIASES,
    biasesMayLack: true,
    notes: [],
    nameInFile: ggufName,
  }
}

/** The name of a weight in a GGUF. */
export function ggufName(name: WeightName): string {
  const { layer, weight } = partsOf(name)
  if (layer === undefined) return `${GGUF_TOP[weight]}.weight`
  return namedAfter(weight, (of) => `blk.${layer}.${GGUF_LAYER[of]}`)
}

/**
 * Converters of Llama 3.1 and newer put the changes of the rotary frequencies into a tensor, of which llama.cpp takes
 * element i as the divisor of pair i.
 */
async function ropeDivisors(
  container: GgufFile,
  file: string,
  config: ModelConfig,
  signal: AbortSignal | undefined,
): Promise<readonly number[] | undefined> {
  // These belong to a kind of scaling that is not supported.
  for (const tensor of ['rope_factors_long.weight', 'rope_factors_short.weight']) {
    if (hasTensor(container, tensor)) {
      throw new CheckpointError({ file, tensor }, 'rotary factors for long and short sequences are not supported')
    }
  }
  const tensor = 'rope_freqs.weight'
  if (!hasTensor(container, tensor)) return undefined
  const at = { file, tensor }
  const info = container.tensors.get(tensor)
  if (info?.dtype !== 'f32') {
    const type = (info && typeName(info.dtype).toUpperCase()) ?? container.unsupported.get(tensor)?.type
    throw new CheckpointError(at, `elements of type ${type} are not supported; F32 is`)
  }
  const pairs = config.headDim / 2
  if (info.shape.length !== 1 || info.shape[0] !== pairs) {
    throw new CheckpointError(at, `has the shape [${info.shape.join(', ')}], the config says [${pairs}]`)
  }
  const divisors = [...decodeToF32(info.dtype, await container.read(info, 0, info.byteLength, signal))]
  const bad = divisors.findIndex((divisor) => !(Number.isFinite(divisor) && divisor > 0))
  if (bad >= 0) throw new CheckpointError(at, `element ${bad} is ${divisors[bad]}, not a finite number above 0`)
  return divisors.every((divisor) => divisor === 1) ? undefined : divisors
}

/** Converters of NVFP4 and BitNet keep a factor of a whole matrix apart from it. */
function refuseScales(container: GgufFile): void {
  for (const { name, file } of container.tensors.values()) {
    if (!name.endsWith('.scale') || !hasTensor(container, name.replace(/scale$/, 'weight'))) continue
    throw new CheckpointError({ file, tensor: name }, 'matrices with a factor of their own are not supported')
  }
}

/**
 * GGUFs hold more than language models.
 * @throws CheckpointError for a projector of images or sound, and for an adapter
 */
function refuseOtherGguf(file: string, metadata: GgufMetadata): void {
  const type = metadata.get('general.type')
  if (metadata.get('general.architecture') === 'clip' || type === 'mmproj') {
    throw new CheckpointError(
      { file },
      'is a projector for images or sound (mmproj); pass the .gguf of the model itself',
    )
  }
  if (type === 'adapter') {
    throw new CheckpointError(
      { file },
      'is an adapter (LoRA), not a model: load its base model and this with loadAdapter (--adapter), or merge it',
    )
  }
}
