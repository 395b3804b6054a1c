/**
 * Writes a slice of Mistral 7B's shape with random weights as a GGUF, every matrix Q4_0 (394 MB), for engines that read files:
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/peers/slice.ts slice.gguf
 *
 * A number behind the name is that of the layers: 32 make a whole 7B of 4.1 GB.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { randomBytes } from '../../src/cli/bench/random-bytes.ts'
import { encodePair, type GgufPair, ggufHead, type NewTensor, paddingAfter } from '../../src/formats/gguf-writer.ts'
import { SLICE } from './jobs.ts'

const { dim, hidden, heads, kvHeads, headDim, vocab } = SLICE

function matrix(name: string, rows: number, cols: number): NewTensor {
  return { name, shape: [rows, cols], type: 'q4_0', byteLength: rows * (cols / 32) * 18 }
}

function gains(name: string): NewTensor {
  return { name, shape: [dim], type: 'f32', byteLength: dim * 4 }
}

function tensors(layers: number): NewTensor[] {
  const all = [matrix('token_embd.weight', vocab, dim)]
  for (let i = 0; i < layers; i++) {
    const at = `blk.${i}.`
    all.push(
      gains(`${at}attn_norm.weight`),
      matrix(`${at}attn_q.weight`, heads * headDim, dim),
      matrix(`${at}attn_k.weight`, kvHeads * headDim, dim),
      matrix(`${at}attn_v.weight`, kvHeads * headDim, dim),
      matrix(`${at}attn_output.weight`, dim, heads * headDim),
      gains(`${at}ffn_norm.weight`),
      matrix(`${at}ffn_gate.weight`, hidden, dim),
      matrix(`${at}ffn_up.weight`, hidden, dim),
      matrix(`${at}ffn_down.weight`, dim, hidden),
    )
  }
  return [...all, gains('output_norm.weight'), matrix('output.weight', vocab, dim)]
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

function pairs(layers: number): GgufPair[] {
  const { tokens, types, scores } = vocabulary()
  const number = (key: string, value: number) => ({ key: `llama.${key}`, type: 'u32', value }) as const
  const id = (key: string, value: number) => ({ key: `tokenizer.ggml.${key}`, type: 'u32', value }) as const
  return [
    { key: 'general.architecture', type: 'string', value: 'llama' },
    { key: 'general.name', type: 'string', value: 'random slice of 7B' },
    { key: 'general.file_type', type: 'u32', value: 2 },
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
export async function writeSlice(path: string, layers: number = SLICE.layers): Promise<void> {
  const file = createWriteStream(path)
  const write = async (bytes: Uint8Array) => {
    if (!file.write(bytes)) await once(file, 'drain')
  }
  const list = tensors(layers)
  await write(ggufHead(pairs(layers).map(encodePair), list))
  for (const { type, byteLength } of list) {
    const ones = () => new Uint8Array(new Float32Array(dim).fill(1).buffer)
    await write(type === 'f32' ? ones() : randomBytes('q4_0', 0, byteLength))
    await write(new Uint8Array(paddingAfter(byteLength)))
  }
  file.end()
  await finished(file)
}

const [, script, path, layers] = process.argv
if (script !== undefined && path !== undefined && import.meta.url === pathToFileURL(script).href) {
  await writeSlice(path, layers === undefined ? undefined : Number(layers))
}
