/**
 * Writes a slice of Mistral 7B's shape with random weights as a GGUF, every matrix Q4_0 (394 MB), for engines that read files:
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/peers/slice.ts slice.gguf
 *
 * A number behind the name is that of the layers: 32 make a whole 7B of 4.1 GB. `q4_k_m` behind that mixes Q4_K and Q6_K as llama.cpp's
 * quantization of that name does.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { fillRandom, randomBytes } from '../../src/cli/bench/random-bytes.ts'
import { encodePair, type GgufPair, ggufHead, type NewTensor, paddingAfter } from '../../src/formats/gguf-writer.ts'
import { SLICE } from './jobs.ts'

const { dim, hidden, heads, kvHeads, headDim, vocab } = SLICE

/** What a file's matrices are: the number that GGUF has for it, and the type of each. */
const MIXES = {
  q4_0: { fileType: 2, typeOf: () => 'q4_0' },
  q4_k_m: {
    fileType: 15,
    typeOf: (name, layer, layers) => {
      const eighth = Math.floor(layers / 8)
      const more = layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2
      return name === 'output' || (more && (name === 'attn_v' || name === 'ffn_down')) ? 'q6_k' : 'q4_k'
    },
  },
} as const satisfies Record<
  string,
  { fileType: number; typeOf: (name: string, layer: number, layers: number) => Block }
>

type Mix = keyof typeof MIXES
type Block = 'q4_0' | 'q4_k' | 'q6_k'

/** Elements and bytes of a block, and where its f16 factors are. */
const BLOCKS = {
  q4_0: { elements: 32, bytes: 18, factors: [] },
  q4_k: { elements: 256, bytes: 144, factors: [0, 2] },
  q6_k: { elements: 256, bytes: 210, factors: [208] },
} as const

/** Random bits that are small finite weights. */
function weights(type: Block, length: number): Uint8Array {
  if (type === 'q4_0') return randomBytes(type, 0, length)
  const words = new Uint32Array(Math.ceil(length / 4))
  fillRandom(words)
  const bytes = new Uint8Array(words.buffer, 0, length)
  const { bytes: size, factors } = BLOCKS[type]
  // 2⁻¹⁴ as f16.
  for (let at = 0; at < length; at += size) for (const factor of factors) bytes.set([0, 4], at + factor)
  return bytes
}

function matrix(name: string, rows: number, cols: number, type: Block): NewTensor {
  const { elements, bytes } = BLOCKS[type]
  return { name: `${name}.weight`, shape: [rows, cols], type, byteLength: rows * (cols / elements) * bytes }
}

function gains(name: string): NewTensor {
  return { name, shape: [dim], type: 'f32', byteLength: dim * 4 }
}

function tensors(layers: number, mix: Mix): NewTensor[] {
  const typeOf: (name: string, layer: number, layers: number) => Block = MIXES[mix].typeOf
  const all = [matrix('token_embd', vocab, dim, typeOf('token_embd', 0, layers))]
  for (let i = 0; i < layers; i++) {
    const at = `blk.${i}.`
    const own = (name: string, rows: number, cols: number) =>
      matrix(`${at}${name}`, rows, cols, typeOf(name, i, layers))
    all.push(
      gains(`${at}attn_norm.weight`),
      own('attn_q', heads * headDim, dim),
      own('attn_k', kvHeads * headDim, dim),
      own('attn_v', kvHeads * headDim, dim),
      own('attn_output', dim, heads * headDim),
      gains(`${at}ffn_norm.weight`),
      own('ffn_gate', hidden, dim),
      own('ffn_up', hidden, dim),
      own('ffn_down', dim, hidden),
    )
  }
  return [...all, gains('output_norm.weight'), matrix('output', vocab, dim, typeOf('output', 0, layers))]
}

/** Three special tokens, a token for each byte, and words of four letters. */
function vocabulary(): { tokens: string[]; types: number[]; scores: number[] } {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  const letters = [...'abcdefghijklmnopqrstuvwxyz']
  const words = ['\u2581', ...letters]
  for (let i = 0; words.length < vocab - 259; i++) {
    const at = (power: number) => letters[Math.floor(i / 26 ** power) % 26]
    words.push(`\u2581${at(3)}${at(2)}${at(1)}${at(0)}`)
  }
  return {
    tokens: ['<unk>', '<s>', '</s>', ...bytes, ...words],
    types: [2, 3, 3, ...bytes.map(() => 6), ...words.map(() => 1)],
    scores: [...Array<number>(259).fill(0), ...words.map((_, i) => -i)],
  }
}

function pairs(layers: number, mix: Mix): GgufPair[] {
  const { tokens, types, scores } = vocabulary()
  const number = (key: string, value: number) => ({ key: `llama.${key}`, type: 'u32', value }) as const
  const id = (key: string, value: number) => ({ key: `tokenizer.ggml.${key}`, type: 'u32', value }) as const
  return [
    { key: 'general.architecture', type: 'string', value: 'llama' },
    { key: 'general.name', type: 'string', value: 'random slice of 7B' },
    { key: 'general.file_type', type: 'u32', value: MIXES[mix].fileType },
    number('context_length', 32_768),
    number('embedding_length', dim),
    number('block_count', layers),
    number('feed_forward_length', hidden),
    number('attention.head_count', heads),
    number('attention.head_count_kv', kvHeads),
    number('attention.key_length', headDim),
    number('attention.value_length', headDim),
    number('rope.dimension_count', headDim),
    number('vocab_size', vocab),
    { key: 'llama.attention.layer_norm_rms_epsilon', type: 'f32', value: 1e-5 },
    { key: 'llama.rope.freq_base', type: 'f32', value: 10_000 },
    { key: 'tokenizer.ggml.model', type: 'string', value: 'llama' },
    { key: 'tokenizer.ggml.pre', type: 'string', value: 'default' },
    { key: 'tokenizer.ggml.tokens', type: 'strings', value: tokens },
    { key: 'tokenizer.ggml.token_type', type: 'i32s', value: types },
    { key: 'tokenizer.ggml.scores', type: 'f32s', value: scores },
    id('unknown_token_id', 0),
    id('bos_token_id', 1),
    id('eos_token_id', 2),
    { key: 'tokenizer.ggml.add_bos_token', type: 'bool', value: true },
    { key: 'tokenizer.ggml.add_eos_token', type: 'bool', value: false },
  ]
}

/** Writes the file; nothing of it is held but the tensor that is being written. */
export async function writeSlice(path: string, layers: number = SLICE.layers, mix: Mix = 'q4_0'): Promise<void> {
  const file = createWriteStream(path)
  const write = async (bytes: Uint8Array) => {
    if (!file.write(bytes)) await once(file, 'drain')
  }
  const list = tensors(layers, mix)
  await write(ggufHead(pairs(layers, mix).map(encodePair), list))
  for (const { type, byteLength } of list) {
    const ones = () => new Uint8Array(new Float32Array(dim).fill(1).buffer)
    await write(type === 'f32' ? ones() : weights(type as Block, byteLength))
    await write(new Uint8Array(paddingAfter(byteLength)))
  }
  file.end()
  await finished(file)
}

const [, script, path, layers, mix = 'q4_0'] = process.argv
if (script !== undefined && path !== undefined && import.meta.url === pathToFileURL(script).href) {
  if (!Object.hasOwn(MIXES, mix)) throw new Error(`${mix} is none of ${Object.keys(MIXES)}`)
  await writeSlice(path, layers === undefined ? undefined : Number(layers), mix as Mix)
}
