/** Opens adapters in GGUF, as llama.cpp's `convert_lora_to_gguf.py` writes them. */
import { show } from '../errors/show.ts'
import { CheckpointError, ConfigError } from '../errors.ts'
import { openGguf } from '../formats/gguf.ts'
import type { GgufMetadata } from '../formats/gguf-metadata.ts'
import { missing, type SourceFiles } from '../formats/source.ts'
import { type Half, Halves } from './adapter-halves.ts'
import type { AdapterFile } from './adapter-weights.ts'
import { GGUF_LAYER } from './checkpoint-gguf.ts'
import type { ModelConfig } from './config.ts'
import type { LayerMatrix } from './shapes.ts'

const MATRICES: ReadonlyMap<string, LayerMatrix> = new Map(
  (['wq', 'wk', 'wv', 'wo', 'w1', 'w2', 'w3'] as const).map((matrix) => [GGUF_LAYER[matrix], matrix]),
)

/**
 * @param name the `.gguf` in `files`
 * @throws CheckpointError, ConfigError, AbortError
 */
export async function openGgufAdapter(
  files: SourceFiles,
  name: string,
  config: ModelConfig,
  signal?: AbortSignal,
): Promise<AdapterFile> {
  const reader = await files.open(name, signal)
  if (reader === undefined) throw missing(files, name, `is missing from ${files.label}`)
  const container = await openGguf(reader, signal)
  const { metadata } = container
  const type = metadata.get('general.type')
  if (type !== 'adapter') {
    const what = type === undefined || type === 'model' ? 'a model' : `of the type ${show(type)}`
    throw new CheckpointError({ file: name }, `is ${what}, not an adapter: general.type must be "adapter"`)
  }
  refuseOtherKinds(metadata)
  const alpha = alphaOf(metadata)
  const halves = new Halves(name, container, config)
  halves.collect((tensor) => halfOf(name, tensor))
  return {
    container,
    // llama.cpp takes an alpha of zero as no alpha.
    matrices: halves.join((_, rank) => (alpha === 0 ? 1 : alpha / rank)),
    ropePairing: 'adjacent',
    base: baseOf(metadata),
    notes: [],
  }
}

function refuseOtherKinds(metadata: GgufMetadata): void {
  const kind = metadata.get('adapter.type')
  if (kind !== 'lora') throw new ConfigError('adapter.type', kind, 'is not supported; "lora" is')
  const architecture = metadata.get('general.architecture')
  if (architecture !== 'llama' && architecture !== 'mistral3') {
    throw new ConfigError(
      'general.architecture',
      architecture,
      'is of another family of models; llama and mistral3 run',
    )
  }
  const tokens = 'adapter.alora.invocation_tokens'
  if (metadata.has(tokens)) {
    throw new ConfigError(tokens, metadata.get(tokens), 'an adapter that begins at certain tokens is not supported')
  }
}

function alphaOf(metadata: GgufMetadata): number {
  const alpha = metadata.get('adapter.lora.alpha') ?? 0
  if (typeof alpha === 'number' && Number.isFinite(alpha)) return alpha
  throw new ConfigError('adapter.lora.alpha', alpha, 'must be a finite number')
}

function halfOf(file: string, tensor: string): Half {
  const refuse = (fact: string) => new CheckpointError({ file, tensor }, fact)
  const [, of, half] = /^(.*)\.weight\.lora_([ab])$/.exec(tensor) ?? []
  if (of === undefined) throw refuse('is no matrix of an adapter: these end in .weight.lora_a or .weight.lora_b')
  if (of === 'output') return { matrix: 'output', half: half as Half['half'] }
  if (of === 'token_embd') throw refuse('adapters of the token embeddings are not supported')
  const [, layer, stem = ''] = /^blk\.(\d+)\.(.*)$/.exec(of) ?? []
  const matrix = MATRICES.get(stem)
  if (matrix === undefined) throw refuse('belongs to a matrix that the model does not have')
  return { matrix: `layers.${Number(layer)}.${matrix}`, half: half as Half['half'] }
}

function baseOf(metadata: GgufMetadata): string | undefined {
  const base = metadata.get('general.base_model.0.name') ?? metadata.get('general.base_model.0.repo_url')
  return typeof base === 'string' ? base : undefined
}
