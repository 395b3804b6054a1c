/** The wrapper of models that see images: which config counts, which tensors, and what is said of the rest. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import { type Checkpoint, openCheckpoint } from '../../src/model/checkpoint.ts'
import { parseHfConfig } from '../../src/model/config-hf.ts'
import { refusal, safetensors } from '../formats/helpers.ts'

const CONFIG = JSON.parse(
  readFileSync(
    fileURLToPath(new URL('../fixtures/checkpoints/mistral3-ministral3/config.json', import.meta.url)),
    'utf8',
  ),
)
const TEXT = { ...CONFIG.text_config, num_hidden_layers: 1, hidden_size: 4, intermediate_size: 6, vocab_size: 5 }
const SMALL = { ...TEXT, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 2 }
const LAYER: Readonly<Record<string, number[]>> = {
  'input_layernorm.weight': [4],
  'self_attn.q_proj.weight': [4, 4],
  'self_attn.k_proj.weight': [2, 4],
  'self_attn.v_proj.weight': [2, 4],
  'self_attn.o_proj.weight': [4, 4],
  'post_attention_layernorm.weight': [4],
  'mlp.gate_proj.weight': [6, 4],
  'mlp.up_proj.weight': [6, 4],
  'mlp.down_proj.weight': [4, 6],
}

/** A checkpoint whose text model's tensors begin with `prefix`, with further tensors. */
async function open(prefix: string, more: Record<string, number[]>, outer: object, inner: object): Promise<Checkpoint> {
  const shapes: Record<string, number[]> = {
    ...more,
    [`${prefix}embed_tokens.weight`]: [5, 4],
    [`${prefix}norm.weight`]: [4],
  }
  for (const [name, shape] of Object.entries(LAYER)) shapes[`${prefix}layers.0.${name}`] = shape
  let at = 0
  const header: Record<string, unknown> = {}
  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = shape.reduce((product, size) => product * size, 2)
    header[name] = { dtype: 'F16', shape, data_offsets: [at, at + bytes] }
    at += bytes
  }
  const files: Record<string, unknown> = {
    'config.json': JSON.stringify({ ...CONFIG, ...outer, text_config: { ...SMALL, ...inner } }),
    'model.safetensors': safetensors(header, at),
  }
  return openCheckpoint(await openSource({ open: (name) => files[name] as string | Uint8Array | undefined }))
}

const OLD = 'language_model.model.'
const NEW = 'model.language_model.'

describe('the config of a wrapped model', () => {
  it('is that of its text model', () => {
    const notes: string[] = []
    const config = parseHfConfig(CONFIG, (note) => notes.push(note))
    expect(config).toMatchObject({ dim: 32, nLayers: 2, headDim: 16, tiedEmbeddings: true, eosTokenIds: [2] })
    expect(config.ropeScaling).toMatchObject({ type: 'yarn', factor: 16, attentionFactor: 1 })
    expect(config.queryScale).toEqual({ beta: 0.4, length: 16 })
    expect(notes).toEqual([
      expect.stringMatching(
        /^config.json: image_token_index, multimodal_projector_bias, projector_hidden_act, spatial_merge_size, vision_config, vision_feature_layer are about images/,
      ),
    ])
    expect(parseHfConfig({ ...CONFIG, eos_token_id: [3, 4] }).eosTokenIds).toEqual([3, 4])
  })

  it('is that of Mistral Small 3.1 where there is none, and of a Mistral where no type stands in it', () => {
    expect(parseHfConfig({ model_type: 'mistral3' })).toMatchObject({ dim: 5120, nLayers: 40, ropeTheta: 1e9 })
    const bare = parseHfConfig({ architectures: ['Mistral3ForConditionalGeneration'], text_config: { head_dim: 64 } })
    expect(bare).toMatchObject({ headDim: 64, hiddenDim: 14_336, queryScale: undefined })
    // Inside of a wrapper transformers goes by the name alone.
    const types = Array.from({ length: 32 }, () => 'full_attention')
    const mistral = parseHfConfig({
      model_type: 'mistral3',
      text_config: { model_type: 'mistral', layer_types: types },
    })
    expect(mistral.slidingWindows[0]).toBe(4096)
  })

  const refused: [field: string, config: object, fact: RegExp][] = [
    ['text_config', { text_config: 'mistral' }, /must be an object/],
    ['text_config.model_type', { text_config: { model_type: 'mistral4' } }, /Small 4.*MLA.*Ministral 3 run/],
    [
      'text_config.model_type',
      { text_config: { model_type: 'gpt2' } },
      /one of mistral, ministral, ministral3, llama$/,
    ],
    ['text_config.hidden_size', { text_config: { hidden_size: -1 } }, /1 to 65536/],
    [
      'text_config.rope_parameters.factor',
      { text_config: { model_type: 'ministral3', rope_parameters: { type: 'yarn' } } },
      /above 0/,
    ],
    ['model_type', { model_type: 'mixtral' }, /mixture of experts.*Dense models run: Mistral 7B/],
    ['model_type', { model_type: 'mistral4' }, /Small 4/],
    ['model_type', { model_type: 'voxtral' }, /speech/],
    ['model_type', { model_type: 'gpt2' }, /ministral3, llama, mistral3$/],
    ['architectures', { model_type: null, architectures: ['MixtralForCausalLM'] }, /mixture of experts/],
  ]
  it.each(refused)('is refused for %s', (field, config, fact) => {
    const parse = () => parseHfConfig({ model_type: 'mistral3', ...config })
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow(expect.objectContaining({ field }))
    expect(parse).toThrow(fact)
  })
})

describe('the tensors of a wrapped model', () => {
  it.each([OLD, NEW, 'language_model.'])('are found under %s', async (prefix) => {
    const checkpoint = await open(prefix, {}, {}, { tie_word_embeddings: true })
    expect(checkpoint.tensor('layers.0.wq').name).toBe(`${prefix}layers.0.self_attn.q_proj.weight`)
    expect(checkpoint.tensor('output').name).toBe(`${prefix}embed_tokens.weight`)
  })

  it('for images are named and not read', async () => {
    const images = { 'vision_tower.ln_pre.weight': [8], 'model.multi_modal_projector.norm.weight': [8] }
    const checkpoint = await open(OLD, images, {}, { tie_word_embeddings: true })
    expect(checkpoint.notes.at(-1)).toBe(
      'model.safetensors: 2 tensors of multi_modal_projector, vision_tower are about images and are not read',
    )
    expect(checkpoint.totalBytes).toBe((await open(NEW, {}, {}, { tie_word_embeddings: true })).totalBytes)
  })

  const head = (name: string) => ({ [name]: [5, 4] })
  it.each([
    [OLD, 'language_model.lm_head.weight'],
    [NEW, 'lm_head.weight'],
    [OLD, 'lm_head.weight'],
  ])('%s with the output %s are two matrices unless the text model ties them', async (prefix, name) => {
    const untied = await open(prefix, head(name), {}, { tie_word_embeddings: false })
    expect(untied.tensor('output').name).toBe(name)
    expect(untied.outputMayBeTied).toBe(false)
    const tied = await open(prefix, head(name), {}, { tie_word_embeddings: true })
    expect(tied.outputMayBeTied).toBe(true)
    // The wrapper's own default is true, and says nothing about a file with two.
    const unsaid = await open(
      prefix,
      head(name),
      { tie_word_embeddings: undefined },
      { tie_word_embeddings: undefined },
    )
    expect(unsaid.outputMayBeTied).toBe(false)
  })

  it('without an output are tied, unless both configs say that they are not', async () => {
    const untied = { tie_word_embeddings: false }
    const unsaid = { tie_word_embeddings: undefined }
    for (const [outer, inner] of [
      [unsaid, unsaid],
      [unsaid, untied],
      [untied, { tie_word_embeddings: true }],
    ] as const) {
      const checkpoint = await open(NEW, {}, outer, inner)
      expect(checkpoint.tensor('output')).toBe(checkpoint.tensor('tokEmbeddings'))
    }
    expect((await refusal(() => open(NEW, {}, untied, untied))).message).toMatch(/lm_head.weight.*missing/)
  })
})
