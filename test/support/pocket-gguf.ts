/**
 * The embedded model as a GGUF without a chat template, as llama.cpp's converter would write it: a trained GGUF for tests,
 * made when one asks for it, since the repository has the weights already.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, type GgufTensorSpec, gguf, ggufString, join as joined, pair, u32 } from '../formats/helpers.ts'
import { root } from './child.ts'

const FOLDER = join(root, 'models/pocket')
/** Type numbers of a GGUF's values and tensors. */
const VALUE = { u32: 4, f32: 6, bool: 7, string: 8, array: 9, i32: 5 } as const
const TENSOR = { f32: 0, bf16: 30 } as const
/** Kinds of tokens, as SentencePiece numbers them. */
const KIND = { normal: 1, unknown: 2, control: 3, byte: 6 } as const
const ALIGNMENT = 32

interface HfTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

interface Config {
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly intermediate_size: number
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  readonly sliding_window: number
}

const written = new Map<boolean, string>()

/**
 * The file's path. It goes away with the process that asked for it.
 * @param endless the token that the model ends its answers with is one that nobody takes for an end
 */
export function pocketGguf({ endless = false } = {}): string {
  const known = written.get(endless)
  if (known !== undefined) return known
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'winds.gguf')
  writeFileSync(path, convert(endless))
  written.set(endless, path)
  return path
}

function convert(endless: boolean): Uint8Array {
  const config: Config = readJson('config.json')
  const file = readFileSync(join(FOLDER, 'model.safetensors'))
  const headerBytes = Number(file.readBigUInt64LE(0))
  const header: Record<string, HfTensor> = JSON.parse(file.toString('utf8', 8, 8 + headerBytes))
  const specs: GgufTensorSpec[] = []
  const data: Uint8Array[] = []
  let offset = 0
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue
    if (dtype !== 'BF16') throw new Error(`${name} is ${dtype}; the embedded model was BF16`)
    const [from, to] = data_offsets.map((at) => 8 + headerBytes + at) as [number, number]
    const bytes = converted(name, new Uint8Array(file.subarray(from, to)), shape, config)
    const type = shape.length === 1 ? TENSOR.f32 : TENSOR.bf16
    specs.push({ name: ggufName(name), dims: shape.toReversed(), type, offset })
    const padded = Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT
    data.push(bytes, new Uint8Array(padded - bytes.length))
    offset += padded
  }
  return joined([gguf({ pairs: [...shapePairs(config), ...vocabularyPairs(endless)], tensors: specs }), ...data])
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))
}

/** Vectors become f32; rows of `wq` and `wk` stand as llama.cpp rotates them: neighbours, not halves. */
function converted(name: string, bytes: Uint8Array, shape: readonly number[], config: Config): Uint8Array {
  if (shape.length === 1) return new Uint8Array(Uint32Array.from(words(bytes), (bits) => bits << 16).buffer)
  if (!/\.[qk]_proj\./.test(name)) return bytes
  const { head_dim } = config
  const rowBytes = bytes.length / shape[0]!
  const out = new Uint8Array(bytes.length)
  for (let row = 0; row < shape[0]!; row++) {
    const inHead = row % head_dim
    const source = row - inHead + (inHead % 2) * (head_dim / 2) + Math.floor(inHead / 2)
    out.set(bytes.subarray(source * rowBytes, (source + 1) * rowBytes), row * rowBytes)
  }
  return out
}

function words(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.slice().buffer)
}

const PARTS: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}

function ggufName(name: string): string {
  const [, layer, part] = /^(?:model\.layers\.(\d+)\.)?(.+)\.weight$/.exec(name) ?? []
  const known = part === undefined ? undefined : PARTS[part]
  if (known === undefined) throw new Error(`${name} has no name in a GGUF`)
  return layer === undefined ? `${known}.weight` : `blk.${layer}.${known}.weight`
}

function shapePairs(config: Config): Uint8Array[] {
  return [
    stringPair('general.architecture', 'llama'),
    stringPair('general.name', 'winds'),
    numberPair('llama.block_count', config.num_hidden_layers),
    numberPair('llama.context_length', config.max_position_embeddings),
    numberPair('llama.embedding_length', config.hidden_size),
    numberPair('llama.feed_forward_length', config.intermediate_size),
    numberPair('llama.attention.head_count', config.num_attention_heads),
    numberPair('llama.attention.head_count_kv', config.num_key_value_heads),
    numberPair('llama.rope.dimension_count', config.head_dim),
    numberPair('llama.attention.sliding_window', config.sliding_window),
    pair('llama.attention.layer_norm_rms_epsilon', VALUE.f32, f32(config.rms_norm_eps)),
  ]
}

/** A vocabulary of SentencePiece's kind: the earlier a merge, the higher the score of what it makes. */
function vocabularyPairs(endless: boolean): Uint8Array[] {
  const { model, added_tokens } = readJson<{
    model: { vocab: Record<string, number>; merges: [string, string][] }
    added_tokens: { content: string; id: number }[]
  }>('tokenizer.json')
  const tokens = Object.entries(model.vocab).sort(([, a], [, b]) => a - b)
  const ranks = new Map(model.merges.map(([left, right], rank) => [left + right, rank]))
  const control = new Set(added_tokens.map(({ content }) => content))
  const kindOf = (token: string) => {
    if (token === '<unk>') return KIND.unknown
    if (control.has(token)) return KIND.control
    return /^<0x[0-9A-F]{2}>$/.test(token) ? KIND.byte : KIND.normal
  }
  const kinds = tokens.map(([token]) => u32(kindOf(token)))
  const names = tokens.map(([token]) => (token === '</s>' && endless ? '<pause>' : token))
  const list = (key: string, type: number, items: readonly Uint8Array[]) =>
    pair(`tokenizer.ggml.${key}`, VALUE.array, concat(u32(type), count(items.length), joined(items)))
  return [
    stringPair('tokenizer.ggml.model', 'llama'),
    list('tokens', VALUE.string, names.map(ggufString)),
    list(
      'scores',
      VALUE.f32,
      names.map((token) => f32(-(ranks.get(token) ?? 0))),
    ),
    list('token_type', VALUE.i32, kinds),
    numberPair('tokenizer.ggml.unknown_token_id', model.vocab['<unk>']!),
    numberPair('tokenizer.ggml.bos_token_id', model.vocab['<s>']!),
    numberPair('tokenizer.ggml.eos_token_id', model.vocab[endless ? '<0x00>' : '</s>']!),
    pair('tokenizer.ggml.add_bos_token', VALUE.bool, Uint8Array.of(1)),
  ]
}

function stringPair(key: string, value: string): Uint8Array {
  return pair(key, VALUE.string, ggufString(value))
}

function numberPair(key: string, value: number): Uint8Array {
  return pair(key, VALUE.u32, u32(value))
}

function f32(value: number): Uint8Array {
  return new Uint8Array(Float32Array.of(value).buffer)
}

function count(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)
}
