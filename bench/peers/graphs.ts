/** The ONNX graphs that onnxruntime is asked: a 4-bit product, and a decoder with a cache, as its model builder makes them. */
import { SLICE } from './jobs.ts'
import { FLOAT, INT32, INT64, type OnnxGraph, type OnnxNode, type OnnxTensor, UINT8 } from './onnx.ts'

const BLOCK = 32
const MICROSOFT = 'com.microsoft'
/** Positions that the rotary tables hold. */
const POSITIONS = 2048

/** 0: inputs stay as they are. 4: they may be rounded to 8 bits, as llama.cpp does on a CPU. */
export type Accuracy = 0 | 4

/** The graph as it grows. */
class Builder {
  readonly nodes: OnnxNode[] = []
  readonly weights: OnnxTensor[] = []

  constructor(private readonly accuracy: Accuracy) {}

  add(op: string, inputs: readonly string[], output: string, more: Partial<OnnxNode> = {}): string {
    this.nodes.push({ op, inputs, outputs: [output], ...more })
    return output
  }

  weight(tensor: OnnxTensor): string {
    this.weights.push(tensor)
    return tensor.name
  }

  /** `x · wᵀ` with random weights of 4 bits, a scale for 32 of them. */
  product(x: string, output: string, rows: number, cols: number): string {
    const blocks = cols / BLOCK
    const quants = randomBytes((rows * cols) / 2)
    // Quants spread by 4.6 around their middle: outputs then are as large as inputs.
    const scales = new Float32Array(rows * blocks).fill(1 / Math.sqrt(cols) / 4.6)
    const inputs = [
      x,
      this.weight({ name: `${output}.quants`, type: UINT8, dims: [rows, blocks, BLOCK / 2], data: quants }),
      this.weight({ name: `${output}.scales`, type: FLOAT, dims: [rows * blocks], data: scales }),
    ]
    const attributes = { K: cols, N: rows, bits: 4, block_size: BLOCK, accuracy_level: this.accuracy }
    return this.add('MatMulNBits', inputs, output, { domain: MICROSOFT, attributes })
  }

  norm(x: string, output: string): string {
    const gains = new Float32Array(SLICE.dim).fill(1)
    const gain = this.weight({ name: `${output}.gain`, type: FLOAT, dims: [SLICE.dim], data: gains })
    const attributes = { axis: -1, epsilon: { float: 1e-5 }, stash_type: 1 }
    return this.add('SimplifiedLayerNormalization', [x, gain], output, { attributes })
  }
}

/** One product. */
export function productGraph(rows: number, cols: number, accuracy: Accuracy): OnnxGraph {
  const builder = new Builder(accuracy)
  builder.product('x', 'y', rows, cols)
  return {
    nodes: builder.nodes,
    weights: builder.weights,
    inputs: [{ name: 'x', type: FLOAT, dims: ['T', cols] }],
    outputs: [{ name: 'y', type: FLOAT, dims: ['T', rows] }],
  }
}

/** The slice: embeddings come in, logits of the last position and the caches go out. */
export function sliceGraph(accuracy: Accuracy): OnnxGraph {
  const { layers, dim, kvHeads, headDim, vocab } = SLICE
  const builder = new Builder(accuracy)
  const half = headDim / 2
  const angles = Float32Array.from(
    { length: POSITIONS * half },
    (_, i) => Math.floor(i / half) * 10_000 ** (-(i % half) / half),
  )
  builder.weight({ name: 'cos', type: FLOAT, dims: [POSITIONS, half], data: angles.map(Math.cos) })
  builder.weight({ name: 'sin', type: FLOAT, dims: [POSITIONS, half], data: angles.map(Math.sin) })
  let x = 'x'
  for (let i = 0; i < layers; i++) x = layer(builder, x, i)
  const last = builder.weight({ name: 'last', type: INT64, dims: [1], data: BigInt64Array.of(-1n) })
  const row = builder.add('Gather', [builder.norm(x, 'norm'), last], 'row', { attributes: { axis: 1 } })
  builder.product(row, 'logits', vocab, dim)
  const caches = (prefix: string, positions: string) =>
    Array.from({ length: layers }, (_, i) => ['k', 'v'].map((part) => `${prefix}${part}${i}`))
      .flat()
      .map((name) => ({ name, type: FLOAT, dims: [1, kvHeads, positions, headDim] }))
  return {
    nodes: builder.nodes,
    weights: builder.weights,
    inputs: [
      { name: 'x', type: FLOAT, dims: [1, 'T', dim] },
      { name: 'before', type: INT32, dims: [1] },
      { name: 'total', type: INT32, dims: [1] },
      ...caches('past.', 'P'),
    ],
    outputs: [{ name: 'logits', type: FLOAT, dims: [1, 1, vocab] }, ...caches('present.', 'S')],
  }
}

function layer(builder: Builder, x: string, i: number): string {
  const { dim, hidden, heads, kvHeads, headDim } = SLICE
  const at = (name: string) => `${name}${i}`
  const h = builder.norm(x, at('attention_norm'))
  const q = builder.product(h, at('q'), heads * headDim, dim)
  const k = builder.product(h, at('k'), kvHeads * headDim, dim)
  const v = builder.product(h, at('v'), kvHeads * headDim, dim)
  builder.nodes.push({
    op: 'GroupQueryAttention',
    domain: MICROSOFT,
    inputs: [q, k, v, at('past.k'), at('past.v'), 'before', 'total', 'cos', 'sin'],
    outputs: [at('attention'), at('present.k'), at('present.v')],
    attributes: { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1 },
  })
  const o = builder.product(at('attention'), at('o'), dim, heads * headDim)
  const middle = builder.add('Add', [x, o], at('middle'))
  const m = builder.norm(middle, at('ffn_norm'))
  const gate = builder.product(m, at('gate'), hidden, dim)
  const up = builder.product(m, at('up'), hidden, dim)
  const bent = builder.add('Mul', [gate, builder.add('Sigmoid', [gate], at('sigmoid'))], at('silu'))
  const down = builder.product(builder.add('Mul', [bent, up], at('gated')), at('down'), dim, hidden)
  return builder.add('Add', [middle, down], at('out'))
}

/** A pattern of random bytes, over and over: its length is a prime, so that rows differ. */
function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = 1
  const pattern = Uint8Array.from({ length: 65_521 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
  for (let at = 0; at < length; at += pattern.length) bytes.set(pattern.subarray(0, length - at), at)
  return bytes
}
