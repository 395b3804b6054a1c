/** A model of random quantized blocks: as a GGUF, and as the plain reference takes it. */
import { type BlockName, decodeToF32, type StoredDtype, storedBytes } from '../../src/formats/blocks.ts'
import { GGML_TYPES } from '../../src/formats/gguf-types.ts'
import { concat, gguf, ggufString, join, pair, u32 } from '../formats/helpers.ts'
import type { PlainConfig, PlainLayer, PlainModel } from '../reference/forward.ts'
import { randomBlocks } from './blocks.ts'
import { random } from './fixtures.ts'

/** The shape of a model with rows of 256 and 512 inputs: a super-block, and two. */
export const SUPER_BLOCK_CONFIG: PlainConfig = {
  dim: 256,
  nLayers: 2,
  nHeads: 8,
  nKvHeads: 2,
  headDim: 32,
  hiddenDim: 512,
  vocabSize: 92,
  normEps: 1e-5,
  ropeTheta: 10_000,
  slidingWindow: undefined,
}

/** Which type each matrix has; a type of blocks, or `f32`. */
export type TypeOf = (name: 'tokEmbeddings' | 'output' | keyof PlainLayer, layer: number) => BlockName | 'f32'

const UINT32 = 4
const FLOAT32 = 6
const STRING = 8
const NAMES: Record<keyof PlainLayer, string> = {
  attentionNorm: 'attn_norm',
  wq: 'attn_q',
  wk: 'attn_k',
  wv: 'attn_v',
  wo: 'attn_output',
  ffnNorm: 'ffn_norm',
  w1: 'ffn_gate',
  w3: 'ffn_up',
  w2: 'ffn_down',
}

export function randomGguf(
  config: PlainConfig,
  typeOf: TypeOf,
): { file: Uint8Array; model: PlainModel; bytes: number } {
  const next = random(5)
  const tensors: { name: string; dims: number[]; type: number; offset: number }[] = []
  const parts: Uint8Array[] = []
  let offset = 0
  let bytes = 0
  const add = (name: string, dims: number[], dtype: StoredDtype, data: Uint8Array) => {
    const type = [...GGML_TYPES].find(([, known]) => known.dtype === dtype)![0]
    tensors.push({ name: `${name}.weight`, dims, type, offset })
    const padded = new Uint8Array(Math.ceil(data.length / 32) * 32)
    padded.set(data)
    parts.push(padded)
    offset += padded.length
    bytes += data.length
  }
  const vector = (name: string) => {
    const values = Float32Array.from({ length: config.dim }, () => 0.5 + next())
    add(name, [config.dim], 'f32', new Uint8Array(values.buffer))
    return values
  }
  let seed = 1
  const matrix = (name: string, rows: number, cols: number, type: BlockName | 'f32') => {
    const values = Float32Array.from({ length: rows * cols }, () => (2 * next() - 1) * Math.sqrt(3 / cols))
    const stored = Array.from({ length: rows }, () => (type === 'f32' ? undefined : randomBlocks(type, cols, seed++)))
    for (const [row, data] of stored.entries()) {
      if (data !== undefined) decodeToF32(type, data, values.subarray(row * cols, (row + 1) * cols))
    }
    const data = type === 'f32' ? new Uint8Array(values.buffer) : join(stored as Uint8Array[])
    if (data.length !== rows * storedBytes(type, cols)) throw new Error(`${name} has ${data.length} bytes`)
    add(name, [cols, rows], type, data)
    return values
  }
  const { dim, nHeads, nKvHeads, headDim, hiddenDim, vocabSize } = config
  const tokEmbeddings = matrix('token_embd', vocabSize, dim, typeOf('tokEmbeddings', 0))
  const layers = Array.from({ length: config.nLayers }, (_, i): PlainLayer => {
    const at = (field: keyof PlainLayer) => `blk.${i}.${NAMES[field]}`
    const weight = (field: keyof PlainLayer, rows: number, cols: number) => {
      return matrix(at(field), rows, cols, typeOf(field, i))
    }
    return {
      attentionNorm: vector(at('attentionNorm')),
      wq: halved(weight('wq', nHeads * headDim, dim), headDim, dim),
      wk: halved(weight('wk', nKvHeads * headDim, dim), headDim, dim),
      wv: weight('wv', nKvHeads * headDim, dim),
      wo: weight('wo', dim, nHeads * headDim),
      ffnNorm: vector(at('ffnNorm')),
      w1: weight('w1', hiddenDim, dim),
      w3: weight('w3', hiddenDim, dim),
      w2: weight('w2', dim, hiddenDim),
    }
  })
  const norm = vector('output_norm')
  const output = matrix('output', vocabSize, dim, typeOf('output', 0))
  const head = gguf({ pairs: metadata(config), tensors })
  return { file: concat(head, join(parts)), model: { config, tokEmbeddings, layers, norm, output }, bytes }
}

function metadata(config: PlainConfig): Uint8Array[] {
  const integer = (key: string, value: number) => pair(key, UINT32, u32(value))
  const number = (key: string, value: number) => pair(key, FLOAT32, new Uint8Array(Float32Array.of(value).buffer))
  return [
    pair('general.architecture', STRING, ggufString('llama')),
    integer('llama.context_length', 512),
    integer('llama.embedding_length', config.dim),
    integer('llama.block_count', config.nLayers),
    integer('llama.feed_forward_length', config.hiddenDim),
    integer('llama.attention.head_count', config.nHeads),
    integer('llama.attention.head_count_kv', config.nKvHeads),
    integer('llama.attention.key_length', config.headDim),
    integer('llama.attention.value_length', config.headDim),
    integer('llama.rope.dimension_count', config.headDim),
    integer('llama.vocab_size', config.vocabSize),
    number('llama.rope.freq_base', config.ropeTheta),
    number('llama.attention.layer_norm_rms_epsilon', config.normEps),
  ]
}

/** GGUF keeps the two elements of a rotated pair next to each other; the reference has them half a head apart. */
function halved(matrix: Float32Array, headDim: number, cols: number): Float32Array {
  const out = new Float32Array(matrix.length)
  for (let row = 0; row < matrix.length / cols; row++) {
    const inHead = row % headDim
    const to = row - inHead + (inHead >> 1) + (inHead % 2) * (headDim / 2)
    out.set(matrix.subarray(row * cols, (row + 1) * cols), to * cols)
  }
  return out
}
