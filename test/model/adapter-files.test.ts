/** What an adapter's files may say: configs of PEFT, names and shapes of tensors, and what is refused by which name. */
import { describe, expect, it } from 'vitest'
import { CheckpointError, ConfigError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import { openAdapter } from '../../src/model/adapter-file.ts'
import { parseHfConfig } from '../../src/model/config-hf.ts'
import { parsePeftConfig } from '../../src/model/peft-config.ts'
import { gguf, ggufString, pair } from '../formats/helpers.ts'
import { adapterFiles, pairOf, type Shapes } from '../support/random-adapter.ts'

const MODEL = parseHfConfig({
  model_type: 'mistral',
  architectures: ['MistralForCausalLM'],
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 4,
  vocab_size: 20,
})

const q = (layer: number, rank = 4) => pairOf(`model.layers.${layer}.self_attn.q_proj`, 16, 16, rank)
const down = (layer: number, rank = 4) => pairOf(`model.layers.${layer}.mlp.down_proj`, 16, 24, rank)
const BOTH = { ...q(0), ...q(1) }

async function open(config: object, shapes: Shapes) {
  const files: Record<string, unknown> = adapterFiles(config, shapes)
  return openAdapter(await openSource({ open: (name) => files[name] as string | Uint8Array | undefined }), MODEL)
}

/** Scales by matrices. */
async function scales(config: object, shapes: Shapes) {
  const { matrices } = await open(config, shapes)
  return Object.fromEntries([...matrices].map(([name, { scale }]) => [name, scale]))
}

describe('the scale of a matrix', () => {
  it('is alpha by rank, or by its root', async () => {
    const targets = { target_modules: ['q_proj'], lora_alpha: 6 }
    expect(await scales(targets, BOTH)).toEqual({ 'layers.0.wq': 1.5, 'layers.1.wq': 1.5 })
    expect(await scales({ ...targets, use_rslora: true }, BOTH)).toEqual({ 'layers.0.wq': 3, 'layers.1.wq': 3 })
  })

  it('follows the patterns of ranks and alphas, of which the first that fits counts', async () => {
    const config = {
      target_modules: ['q_proj', 'mlp.down_proj'],
      rank_pattern: { '1.self_attn.q_proj': 2, q_proj: 8, 'mlp.*': 1 },
      alpha_pattern: { 'layers.1.self_attn.q_proj': 3, '^model.layers.0.mlp.down_proj': 5 },
    }
    const shapes = { ...q(0, 8), ...q(1, 2), ...down(0, 1), ...down(1, 1) }
    expect(await scales(config, shapes)).toEqual({
      'layers.0.wq': 1,
      'layers.1.wq': 1.5,
      'layers.0.w2': 5,
      'layers.1.w2': 8,
    })
    const wrong = open({ ...config, rank_pattern: {} }, shapes)
    await expect(wrong).rejects.toThrow(/layers.0.self_attn.q_proj.lora_A.weight: has the rank 8, .* says 4$/)
  })

  // PEFT 0.21.0 trains with the first key that fits in the caller's order, and sorts the keys when it saves; loading, it takes the first of
  // those for alphas, and refuses its own file where the ranks differ (findings/peft-saved-pattern-order.sh).
  it('is by the rank that the file has where sorted keys put another first, and says where alphas are unclear', async () => {
    const config = { target_modules: ['down_proj'], lora_alpha: 6 }
    const ranks = { rank_pattern: { down_proj: 2, 'layers.0.mlp.down_proj': 3 } }
    expect(await scales({ ...config, ...ranks }, { ...down(0, 3), ...down(1, 2) })).toEqual({
      'layers.0.w2': 2,
      'layers.1.w2': 3,
    })
    await expect(open({ ...config, ...ranks }, { ...down(0, 2), ...down(1, 3) })).rejects.toThrow(
      /layers.1.mlp.down_proj.lora_A.weight: has the rank 3, .* says 2$/,
    )
    const alphas = { alpha_pattern: { down_proj: 8, 'layers.0.mlp.down_proj': 64 } }
    const { matrices, notes } = await open({ ...config, ...alphas }, { ...down(0), ...down(1) })
    expect([...matrices.values()].map(({ scale }) => scale)).toEqual([2, 2])
    expect(notes).toEqual([
      expect.stringMatching(/several keys of alpha_pattern fit model.layers.0.mlp.down_proj, .*: 8, not 64$/),
    ])
    const clear = { alpha_pattern: { 'layers.0.mlp.down_proj': 8, down_proj: 8 } }
    expect((await open({ ...config, ...clear }, { ...down(0), ...down(1) })).notes).toEqual([])
  })
})

describe('target_modules', () => {
  const names = (config: object) => {
    const { targets } = parsePeftConfig({ peft_type: 'LORA', ...config })
    const modules = ['model.layers.0.self_attn.q_proj', 'model.layers.1.self_attn.q_proj', 'lm_head']
    return modules.map((module) => targets(module))
  }

  it('is a list of endings, an expression for whole names, or all linear layers', () => {
    expect(names({ target_modules: ['q_proj'] })).toEqual([true, true, false])
    expect(names({ target_modules: ['proj', 'lm_head'] })).toEqual([false, false, true])
    expect(names({ target_modules: 'q_proj' })).toEqual([false, false, false])
    expect(names({ target_modules: '.*q_proj' })).toEqual([true, true, false])
    expect(names({ target_modules: 'all-linear' })).toEqual([true, true, false])
    expect(names({ target_modules: '.*(?P<x>q)_(proj|(?P=x))' })).toEqual([true, true, false])
    expect(names({ target_modules: '(?i).*Q_PROJ' })).toEqual([undefined, undefined, undefined])
  })

  it('leaves out layers and modules that the config leaves out', () => {
    expect(names({ target_modules: ['q_proj'], layers_to_transform: [1] })).toEqual([false, true, false])
    expect(names({ target_modules: ['q_proj'], layers_to_transform: 0 })).toEqual([true, false, false])
    const named = ['model.layers.0.self_attn.q_proj', 'lm_head']
    expect(names({ target_modules: named, layers_to_transform: [1] })).toEqual([true, false, true])
    expect(names({ target_modules: ['q_proj'], exclude_modules: '.*0.*' })).toEqual([false, true, false])
    expect(names({ target_modules: ['q_proj', 'lm_head'], exclude_modules: ['q_proj'] })).toEqual([false, false, true])
  })

  it('must name what is in the file, and nothing that is not', async () => {
    await expect(open({ target_modules: ['v_proj'] }, BOTH)).rejects.toThrow(/not among the target_modules/)
    await expect(open({ target_modules: ['q_proj'] }, q(1))).rejects.toThrow(
      /layers.0.self_attn.q_proj.lora_A.weight: is missing, though the target_modules/,
    )
    expect((await open({ target_modules: ['q_proj'], layers_to_transform: [1] }, q(1))).matrices.size).toBe(1)
    await expect(open({ target_modules: ['q_proj', 'lm_head'] }, BOTH)).rejects.toThrow(
      /base_model.model.lm_head.lora_A.weight: is missing/,
    )
  })
})

describe('a text model inside of one that sees images', () => {
  const inner = (prefix: string) => pairOf(`${prefix}layers.0.self_attn.q_proj`, 16, 16, 2)
  const vision = pairOf('model.vision_tower.transformer.layers.0.attention.q_proj', 8, 8, 4)

  it.each(['model.language_model.', 'language_model.model.', 'language_model.', 'model.'])(
    'has modules whose names begin with %j',
    async (prefix) => {
      const config = {
        target_modules: ['q_proj'],
        layers_to_transform: [0],
        rank_pattern: { [`^${prefix}layers.0.self_attn.q_proj`]: 2 },
      }
      const { matrices, notes } = await open(config, { ...inner(prefix), ...vision })
      expect([...matrices.keys()]).toEqual(['layers.0.wq'])
      expect(notes).toEqual([expect.stringMatching(/: 2 tensors of vision_tower are about images and are not read$/)])
      const all = open({ target_modules: ['q_proj'], r: 2 }, inner(prefix))
      await expect(all).rejects.toThrow(`${prefix}layers.1.self_attn.q_proj.lora_A.weight: is missing`)
    },
  )

  it('may have a copy of what its adapter changes beside it', async () => {
    const head = { ...pairOf('lm_head', 20, 16, 4), 'lm_head.base_layer.weight': [20, 16] }
    const { matrices, notes } = await open({ target_modules: ['lm_head'] }, head)
    expect([...matrices.keys()]).toEqual(['output'])
    expect(notes).toEqual([expect.stringMatching(/lm_head.base_layer.weight is a copy/)])
  })
})

describe('refused by name', () => {
  const CONFIGS: Readonly<Record<string, unknown>> = {
    peft_type: 'IA3',
    use_dora: true,
    lora_bias: true,
    bias: 'all',
    modules_to_save: ['lm_head'],
    trainable_token_indices: [3],
    layer_replication: [[0, 1]],
    target_parameters: ['mlp.experts'],
    alora_invocation_tokens: [5],
    init_lora_weights: 'pissa_niter_16',
    r: 0,
    lora_alpha: 'much',
    use_rslora: 'yes',
    rank_pattern: { '(': 4 },
    layers_to_transform: ['one'],
    target_modules: [1],
  }
  for (const [field, value] of Object.entries(CONFIGS)) {
    it(`${field}: ${JSON.stringify(value)}`, async () => {
      const error = await open({ target_modules: ['q_proj'], [field]: value }, BOTH).catch((error) => error)
      expect(error).toBeInstanceOf(ConfigError)
      expect(error.field).toBe(field)
    })
  }

  it('takes what says nothing', async () => {
    const config = {
      target_modules: ['q_proj'],
      modules_to_save: [],
      use_dora: false,
      layer_replication: null,
      loftq_config: {},
      init_lora_weights: 'gaussian',
      lora_dropout: 0.1,
      base_model_name_or_path: 'mistralai/Some-Model',
    }
    expect(await open(config, BOTH)).toMatchObject({ base: 'mistralai/Some-Model', notes: [] })
    const { notes } = await open({ ...config, fan_in_fan_out: true }, BOTH)
    expect(notes).toEqual([expect.stringMatching('fan_in_fan_out has no effect')])
  })

  const TENSORS: readonly (readonly [shapes: Shapes, fact: RegExp])[] = [
    [{ ...BOTH, ...pairOf('model.layers.0.mlp.experts.q_proj', 16, 16, 4) }, /a module that the model does not have$/],
    [{ ...BOTH, ...pairOf('model.layers.2.self_attn.q_proj', 16, 16, 4) }, /is of layer 2, and the model has 2/],
    [{ ...q(0), ...pairOf('model.layers.1.self_attn.q_proj', 16, 12, 4) }, /has the shape \[4, 12\], .* \[4, 16\]/],
    [{ ...q(0), ...pairOf('model.layers.1.self_attn.q_proj', 12, 16, 4) }, /has the shape \[12, 4\], .* \[16, 4\]/],
    [{ ...BOTH, 'model.embed_tokens.lora_embedding_A': [4, 20] }, /token embeddings are not supported$/],
    [{ ...BOTH, 'model.layers.0.self_attn.q_proj.lora_magnitude_vector': [16] }, /DoRA/],
    [{ ...BOTH, 'model.layers.0.self_attn.q_proj.lora_B.bias': [16] }, /lora_bias/],
    [{ ...BOTH, 'lm_head.weight': [20, 16] }, /trained weights of the model itself must be merged$/],
    [{ ...q(0), 'model.layers.1.self_attn.q_proj.lora_A.weight': [4, 16] }, /has no matrix B beside it$/],
    [{}, /holds no matrices of an adapter$/],
  ]
  for (const [shapes, fact] of TENSORS) {
    it(`a tensor that ${fact.source}`, async () => {
      const error = await open({ target_modules: ['q_proj'] }, shapes).catch((error) => error)
      expect(error).toBeInstanceOf(CheckpointError)
      expect(error.message).toMatch(fact)
      expect(error.file).toBe('adapter_model.safetensors')
    })
  }

  it('folders without an adapter, and one that holds a pickle', async () => {
    const files: Record<string, string> = {}
    const from = async () =>
      openAdapter(await openSource({ open: (name) => files[name], list: () => Object.keys(files) }), MODEL)
    await expect(from()).rejects.toThrow(/adapter_config.json: is missing from opener: an adapter is a folder/)
    files['adapter_config.json'] = adapterFiles({}, BOTH)['adapter_config.json']
    await expect(from()).rejects.toThrow(/adapter_model.safetensors: is missing from opener$/)
    files['adapter_model.bin'] = 'PK\x03\x04'
    await expect(from()).rejects.toThrow(/adapter_model.safetensors: is missing .* adapter_model.bin is a pickle/)
  })
})

describe('an adapter in GGUF', () => {
  const STRING = 8
  const FLOAT32 = 6
  const float = (value: number) => new Uint8Array(Float32Array.of(value).buffer)
  const base = {
    'general.type': 'adapter',
    'general.architecture': 'llama',
    'adapter.type': 'lora',
    'adapter.lora.alpha': 6,
  }

  function file(changes: Record<string, string | number | undefined>, names: readonly string[]): Uint8Array {
    const pairs = Object.entries({ ...base, ...changes }).flatMap(([key, value]) => {
      if (value === undefined) return []
      const isText = typeof value === 'string'
      return [pair(key, isText ? STRING : FLOAT32, isText ? ggufString(value) : float(value))]
    })
    const tensors = names.map((name, i) => ({
      name,
      dims: name.endsWith('lora_a') ? [16, 4] : [4, 16],
      type: 0,
      offset: 256 * i,
    }))
    return gguf({ pairs, tensors, dataBytes: 256 * names.length })
  }

  const Q = ['blk.0.attn_q.weight.lora_a', 'blk.0.attn_q.weight.lora_b']
  const opened = async (changes: Record<string, string | number | undefined>, names: readonly string[] = Q) => {
    const blob = Object.assign(new Blob([file(changes, names) as Uint8Array<ArrayBuffer>]), { name: 'a.gguf' })
    return openAdapter(await openSource(blob), MODEL)
  }

  it('has one alpha, and none means a scale of one', async () => {
    expect((await opened({})).matrices.get('layers.0.wq')?.scale).toBe(1.5)
    expect((await opened({ 'adapter.lora.alpha': undefined })).matrices.get('layers.0.wq')?.scale).toBe(1)
    expect((await opened({ 'general.architecture': 'mistral3' })).ropePairing).toBe('adjacent')
  })

  it('is refused by the name of what is wrong', async () => {
    await expect(opened({ 'general.type': 'model' })).rejects.toThrow(/is a model, not an adapter/)
    await expect(opened({ 'general.type': undefined })).rejects.toThrow(/is a model, not an adapter/)
    await expect(opened({ 'adapter.type': 'control' })).rejects.toThrow(/adapter.type/)
    await expect(opened({ 'general.architecture': 'gemma3' })).rejects.toThrow(/general.architecture/)
    await expect(opened({}, ['blk.0.attn_norm.weight'])).rejects.toThrow(/is no matrix of an adapter/)
    await expect(opened({}, ['token_embd.weight.lora_a'])).rejects.toThrow(/token embeddings/)
    await expect(opened({}, ['blk.0.ffn_gate_exps.weight.lora_a'])).rejects.toThrow(/does not have/)
    await expect(opened({}, ['blk.7.attn_q.weight.lora_a', 'blk.7.attn_q.weight.lora_b'])).rejects.toThrow(/layer 7/)
    await expect(opened({}, Q.slice(1))).rejects.toThrow(/has no matrix A beside it/)
  })
})
