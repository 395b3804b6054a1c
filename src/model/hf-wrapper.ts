/** Configs of models that see images (`mistral3`): their text model is one of those that are implemented. */
import { asObject, type Fields, type Note } from './hf-classes.ts'

/** The text model of a config, and what the wrapper around it decides. */
export interface TextConfig {
  readonly fields: Fields
  /** The names of tensors are those of a text model inside of another. */
  readonly wrapped: boolean
  /** The output is the embedding matrix when the file has no other, though the text model's config does not tie them. */
  readonly mayTie: boolean
}

/** What `Mistral3Config` takes for its text model when it has none: Mistral Small 3.1. */
const SMALL_3: Fields = {
  model_type: 'mistral',
  head_dim: 128,
  hidden_act: 'silu',
  hidden_size: 5120,
  intermediate_size: 32_768,
  max_position_embeddings: 131_072,
  num_attention_heads: 32,
  num_hidden_layers: 40,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 1_000_000_000,
  sliding_window: null,
  vocab_size: 131_072,
}

/** Fields of the wrapper that are about images. */
const ABOUT_IMAGES = /^(?:vision_|image_|projector_|multimodal_projector|spatial_merge_size)/

/** Tensors of the wrapper that are about images, with the part of the model that they belong to. */
const IMAGE_TENSOR = /^(?:model\.)?((?:vision_\w+|multi_modal_projector|patch_merger|pre_mm_projector_norm))\./

/**
 * @param given the parsed `config.json`
 * @param note hears which of its fields are about images
 * @throws ConfigError when `text_config` is no object
 */
export function textConfigOf(given: Fields, note: Note): TextConfig {
  const names: readonly unknown[] = Array.isArray(given.architectures) ? given.architectures : []
  const type = given.model_type ?? (names.includes('Mistral3ForConditionalGeneration') ? 'mistral3' : undefined)
  if (type !== 'mistral3') return { fields: given, wrapped: false, mayTie: false }
  const inner = given.text_config == null ? SMALL_3 : asObject('text_config', given.text_config)
  const ignored = Object.keys(given).filter((name) => ABOUT_IMAGES.test(name) && given[name] !== undefined)
  if (ignored.length > 0) {
    note(`config.json: ${ignored.join(', ')} are about images and have no effect, for the text model runs alone`)
  }
  const fields: Record<string, unknown> = {
    ...inner,
    model_type: inner.model_type ?? 'mistral',
    tie_word_embeddings: inner.tie_word_embeddings ?? given.tie_word_embeddings,
    quantization_config: given.quantization_config ?? inner.quantization_config,
  }
  // transformers generates with the ids of the wrapper, where it has some.
  for (const name of ['bos_token_id', 'eos_token_id']) if (given[name] != null) fields[name] = given[name]
  return { fields, wrapped: true, mayTie: given.tie_word_embeddings !== false }
}

/** One sentence about the tensors of a file that are about images; undefined when there are none. */
export function imageTensorsNote(file: string, names: Iterable<string>): string | undefined {
  const parts = new Set<string>()
  let count = 0
  for (const name of names) {
    const part = IMAGE_TENSOR.exec(name)?.[1]
    if (part === undefined) continue
    parts.add(part)
    count++
  }
  if (count === 0) return undefined
  return `${file}: ${count} tensors of ${[...parts].sort().join(', ')} are about images and are not read`
}
