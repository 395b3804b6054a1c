/** Checkpoints that are refused, and what is said of them. */
import { describe, expect, it } from 'vitest'
import {
  fixture,
  fixtureJson,
  type GgufTensorSpec,
  ggufString,
  gguf as makeGguf,
  pair,
  refusal,
  safetensors,
  text,
  u32,
} from '../formats/helpers.ts'
import { added, INDEX, openFiles, reheaded, shard } from './checkpoint-files.ts'

const PROBE = fixtureJson('expected.json').probe as string

describe('what openCheckpoint refuses', () => {
  const config = fixtureJson('hf-f16/config.json')
  const weights = fixture('hf-f16/model.safetensors')

  it('a shape that is not the config’s', async () => {
    const error = await refusal(() =>
      openFiles({ 'config.json': { ...config, vocab_size: 41 }, 'model.safetensors': weights }),
    )
    expect(error.message).toBe(
      'model.safetensors, tensor model.embed_tokens.weight: has the shape [40, 32], the config says [41, 32]',
    )
  })

  it('a missing tensor', async () => {
    const error = await refusal(() =>
      openFiles({ 'config.json': { ...config, num_hidden_layers: 3 }, 'model.safetensors': weights }),
    )
    expect(error.message).toBe('model.safetensors, tensor model.layers.2.input_layernorm.weight: is missing')
    const bare = fixture('hf-mixed-tied/model.safetensors')
    const head = await refusal(() => openFiles({ 'config.json': config, 'model.safetensors': bare }))
    expect(head.message).toBe('model.safetensors, tensor lm_head.weight: is missing')
  })

  it('an element type, when the model needs the tensor', async () => {
    const gguf = await refusal(() => openFiles({ 'model.gguf': fixture('integers.gguf') }))
    expect(gguf.message).toBe('model.gguf, tensor token_embd.weight: elements of type I8 are not supported')
    const header = { 'model.embed_tokens.weight': { dtype: 'F8_E5M2', shape: [40, 32], data_offsets: [0, 1280] } }
    const file = await refusal(() =>
      openFiles({ 'config.json': config, 'model.safetensors': safetensors(header, 1280) }),
    )
    expect(file).toMatchObject({
      tensor: 'model.embed_tokens.weight',
      fact: 'elements of type F8_E5M2 are not supported',
    })
  })

  it('biases that a model of the config does not have', async () => {
    const bias = { dtype: 'F16', shape: [0], data_offsets: [0, 0] }
    for (const name of ['self_attn.q_proj.bias', 'mlp.up_proj.bias', 'input_layernorm.bias']) {
      const file = reheaded(weights, (header) => ({ ...header, [`model.layers.1.${name}`]: bias }))
      const error = await refusal(() => openFiles({ 'config.json': config, 'model.safetensors': file }))
      expect(error).toMatchObject({ tensor: `model.layers.1.${name}`, fact: /has no such bias/ })
    }
  })

  it('no biases of zeros, which older exporters write, but any other', async () => {
    const open = (biases: Record<string, [size: number, last: number]>) => {
      const tensors = Object.entries(biases).map(([name, [size, last]]) => {
        const bytes = new Uint8Array(size * 2)
        bytes[bytes.length - 1] = last
        return { name: `model.layers.${name}.bias`, dtype: 'F16', shape: [size], bytes }
      })
      return openFiles({ 'config.json': config, 'model.safetensors': added(weights, tensors) })
    }
    const up = config.intermediate_size as number
    // The sign alone makes no number.
    const zeros = { '0.mlp.up_proj': [up, 0], '1.mlp.down_proj': [32, 0x80], '1.input_layernorm': [32, 0] } as const
    const plain = await openFiles({ 'config.json': config, 'model.safetensors': weights })
    const opened = await open({ ...zeros } as never)
    expect(opened.notes).toEqual([...plain.notes, '3 biases that are all zeros are not used'])
    expect(opened.names).toEqual(plain.names)
    expect(opened.totalBytes).toBe(plain.totalBytes)
    expect((await open({ '0.mlp.up_proj': [up, 0] })).notes).toContain('1 bias that is all zeros is not used')
    for (const [name, bias] of [
      ['0.mlp.up_proj', [up, 1]],
      ['1.post_attention_layernorm', [32, 0x3c]],
      ['1.mlp.down_proj', [33, 0]],
    ] as const) {
      const error = await refusal(() => open({ ...zeros, [name]: bias } as never))
      expect(error).toMatchObject({ tensor: `model.layers.${name}.bias`, fact: /has no such bias/ })
    }
  })

  it('a config whose biases the file does not have, or has in another shape', async () => {
    const llama = { ...config, model_type: 'llama', architectures: ['LlamaForCausalLM'], mlp_bias: true }
    const missing = await refusal(() => openFiles({ 'config.json': llama, 'model.safetensors': weights }))
    expect(missing).toMatchObject({ tensor: 'model.layers.0.mlp.gate_proj.bias', fact: 'is missing' })
    const bias = { dtype: 'F16', shape: [0], data_offsets: [0, 0] }
    const file = reheaded(weights, (header) => ({ ...header, 'model.layers.0.mlp.gate_proj.bias': bias }))
    const wrong = await refusal(() => openFiles({ 'config.json': llama, 'model.safetensors': file }))
    expect(wrong.fact).toBe('has the shape [0], the config says [64]')
  })

  const ropeFreqs = async (factors: number[], change: Partial<GgufTensorSpec> = {}) => {
    const key = (name: string, value: number) => pair(`llama.${name}`, 4, u32(value))
    const eps = pair('llama.attention.layer_norm_rms_epsilon', 6, new Uint8Array(new Float32Array([1e-5]).buffer))
    const tensors: GgufTensorSpec[] = [
      { name: 'rope_freqs.weight', dims: [factors.length], offset: 0, ...change },
      { name: 'token_embd.weight', dims: [8, 4], offset: 32 },
    ]
    const bytes = makeGguf({
      pairs: [
        pair('general.architecture', 8, ggufString('llama')),
        ...[key('context_length', 64), key('embedding_length', 8), key('block_count', 1)],
        ...[key('feed_forward_length', 8), key('attention.head_count', 2), eps],
      ],
      tensors,
      dataBytes: 32 + 128,
    })
    bytes.set(new Uint8Array(new Float32Array(factors).buffer), bytes.length - 160)
    return refusal(() => openFiles({ 'model.gguf': bytes }))
  }

  it('rotary divisors of a GGUF that cannot be meant', async () => {
    // The file is good up to there: what is missing comes next.
    expect(await ropeFreqs([1, 8])).toMatchObject({ tensor: 'blk.0.attn_norm.weight', fact: 'is missing' })
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await ropeFreqs([1, bad])).toMatchObject({
        tensor: 'rope_freqs.weight',
        fact: `element 1 is ${bad}, not a finite number above 0`,
      })
    }
    expect(await ropeFreqs([1, 1, 1])).toMatchObject({ fact: 'has the shape [3], the config says [2]' })
    expect(await ropeFreqs([1, 1], { dims: [2, 1] })).toMatchObject({
      fact: 'has the shape [1, 2], the config says [2]',
    })
    expect(await ropeFreqs([1, 1], { type: 1 })).toMatchObject({
      fact: 'elements of type F16 are not supported; F32 is',
    })
    expect(await ropeFreqs([1, 1], { type: 24 })).toMatchObject({
      fact: 'elements of type I8 are not supported; F32 is',
    })
    expect(await ropeFreqs([1, 1], { name: 'rope_factors_long.weight' })).toMatchObject({
      tensor: 'rope_factors_long.weight',
      fact: /not supported/,
    })
  })

  it('a factor of a whole matrix, which lies apart from it', async () => {
    expect(await ropeFreqs([2], { name: 'token_embd.scale' })).toMatchObject({
      tensor: 'token_embd.scale',
      fact: 'matrices with a factor of their own are not supported',
    })
  })

  const sharded = (): Record<string, Uint8Array> =>
    Object.fromEntries([1, 2, 3].map((n) => [shard(n), fixture(`hf-bf16-shards/${shard(n)}`)]))
  const index = fixtureJson(`hf-bf16-shards/${INDEX}`) as { weight_map: Record<string, string> }

  it.each([
    '../x.safetensors',
    '/etc/x.safetensors',
    'a\\b.safetensors',
    'C:x.safetensors',
    'https://h/x.safetensors',
    'a/../x.safetensors',
    '%2e%2e%2fx.safetensors',
    '',
    INDEX,
    'config.json',
  ])('the shard name %j', async (name) => {
    const weight_map = { ...index.weight_map, [PROBE]: name }
    const error = await refusal(() => openFiles({ 'config.json': config, ...sharded(), [INDEX]: { weight_map } }))
    expect(error).toMatchObject({ file: INDEX, tensor: PROBE })
    expect(error.fact).toMatch(/not a plain file name|not a .safetensors file/)
  })

  it('a shard that is missing and a tensor that no shard has, when the model needs them', async () => {
    const files = { 'config.json': config, ...sharded(), [INDEX]: index }
    const gone = await refusal(() => openFiles({ ...files, [shard(2)]: undefined }))
    expect(gone.file).toBe(shard(2))
    expect(gone.fact).toMatch(/is missing; model.safetensors.index.json says/)
    const holder = index.weight_map[PROBE]!
    const without = reheaded(fixture(`hf-bf16-shards/${holder}`), ({ [PROBE]: _, ...others }) => others)
    const absent = await refusal(() => openFiles({ ...files, [holder]: without }))
    expect(absent).toMatchObject({ file: holder, tensor: PROBE, fact: /is not there, though .* says so/ })
    const { [PROBE]: _, ...others } = index.weight_map
    const unlisted = await refusal(() => openFiles({ ...files, [holder]: without, [INDEX]: { weight_map: others } }))
    expect(unlisted).toMatchObject({ file: INDEX, tensor: PROBE, fact: 'is missing' })
  })

  it.each([
    ['no JSON', '{', /not a safetensors index/],
    ['no weight_map', '{}', /no weight_map/],
    ['an empty weight_map', '{"weight_map":{}}', /no weight_map/],
    ['a shard that is a number', '{"weight_map":{"a":1}}', /a string is expected/],
    ['one tensor twice', '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', /"a" occurs twice/],
  ])('an index with %s', async (_, content, fact) => {
    const error = await refusal(() => openFiles({ 'config.json': config, [INDEX]: content }))
    expect(error.file).toBe(INDEX)
    expect(error.fact).toMatch(fact)
  })

  it('too many shards', async () => {
    const weight_map = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`t${i}`, `s${i}.safetensors`]))
    const error = await refusal(() => openFiles({ 'config.json': config, [INDEX]: { weight_map } }))
    expect(error.fact).toMatch(/more than 10000 shards/)
  })

  it.each([
    ['consolidated.safetensors', /needs the params.json/],
    ['pytorch_model.bin', /convert them to safetensors/],
    ['pytorch_model.bin.index.json', /convert them to safetensors/],
  ])('a folder with only %s, saying what to do', async (name, fact) => {
    const error = await refusal(() => openFiles({ 'config.json': config, [name]: text('x') }))
    expect(error.file).toBe(name)
    expect(error.fact).toMatch(fact)
  })

  it('a folder without a checkpoint, or with two GGUFs', async () => {
    expect((await refusal(() => openFiles({ 'readme.md': 'x' }))).fact).toMatch(/holds no checkpoint/)
    expect((await refusal(() => openFiles({ 'config.json': config }))).fact).toMatch(/has a config.json, but neither/)
    expect((await refusal(() => openFiles({ 'a.gguf': 'x', 'b.gguf': 'x' }))).fact).toMatch(
      /2 GGUF files \(a.gguf, b.gguf\)/,
    )
    expect((await refusal(() => openFiles({ 'config.json': '{"a":' }))).message).toMatch(/^config.json: is not JSON/)
  })
})
