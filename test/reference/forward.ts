/**
 * The forward pass of a Mistral model, as plainly as it can be written: f64, one token at a time, no cleverness. Read this
 * first; `src/model/mistral.ts` computes the same on the GPU, many rows at a time. Tests compare the two at random shapes.
 */

/** Sizes of a model, under the names of `config.json`'s counterparts in `src/model/config.ts`. */
export interface PlainConfig {
  /** D, the width of the residual stream. */
  readonly dim: number
  readonly nLayers: number
  /** H query heads share G key/value heads: H / G of them read the same keys. */
  readonly nHeads: number
  readonly nKvHeads: number
  /** K, the width of one head; it is even. */
  readonly headDim: number
  /** F, the width of the feed-forward layer. */
  readonly hiddenDim: number
  readonly vocabSize: number
  readonly normEps: number
  readonly ropeTheta: number
  /** A query sees this many keys, its own included; undefined means all of them. */
  readonly slidingWindow: number | undefined
}

/** A matrix is stored row by row, [outputs, inputs]: each row holds the weights of one output. */
export type Matrix = Float32Array

export interface PlainLayer {
  readonly attentionNorm: Float32Array // [D]
  readonly wq: Matrix // [H·K, D]
  readonly wk: Matrix // [G·K, D]
  readonly wv: Matrix // [G·K, D]
  readonly wo: Matrix // [D, H·K]
  readonly ffnNorm: Float32Array // [D]
  readonly w1: Matrix // [F, D]
  readonly w3: Matrix // [F, D]
  readonly w2: Matrix // [D, F]
}

export interface PlainModel {
  readonly config: PlainConfig
  readonly tokEmbeddings: Matrix // [V, D]
  readonly layers: readonly PlainLayer[]
  readonly norm: Float32Array // [D]
  readonly output: Matrix // [V, D]
}

/** The logits [V] after each of the tokens. */
export function forward(model: PlainModel, tokens: readonly number[]): Float64Array[] {
  const { config, layers } = model
  // The keys and values of all earlier positions, one list a layer: the "KV cache".
  const caches = layers.map(() => ({ keys: [] as Float64Array[], values: [] as Float64Array[] }))
  return tokens.map((token, position) => {
    let x: Float64Array = Float64Array.from(model.tokEmbeddings.subarray(token * config.dim, (token + 1) * config.dim)) // [D]
    for (const [i, layer] of layers.entries()) {
      const normed = rmsNorm(x, layer.attentionNorm, config.normEps) // [D]
      const q = rope(matmul(layer.wq, normed), position, config) // [H·K]
      const { keys, values } = caches[i]!
      keys.push(rope(matmul(layer.wk, normed), position, config)) // [G·K]
      values.push(matmul(layer.wv, normed)) // [G·K]
      x = add(x, matmul(layer.wo, attention(q, keys, values, config))) // [D]
      const inner = rmsNorm(x, layer.ffnNorm, config.normEps) // [D]
      const gate = matmul(layer.w1, inner).map(silu) // [F]
      const up = matmul(layer.w3, inner) // [F]
      x = add(
        x,
        matmul(
          layer.w2,
          gate.map((g, f) => g * up[f]!),
        ),
      ) // [D]
    }
    return matmul(model.output, rmsNorm(x, model.norm, config.normEps)) // [V]
  })
}

/** Scales x to a root mean square of 1, then each element by its gain (Zhang and Sennrich 2019). */
export function rmsNorm(x: Float64Array, gain: Float32Array, eps: number): Float64Array {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length
  const scale = 1 / Math.sqrt(meanSquare + eps)
  return x.map((value, i) => value * scale * gain[i]!)
}

/** Each output is the dot product of its row with x. */
export function matmul(matrix: Matrix, x: Float64Array): Float64Array {
  const y = new Float64Array(matrix.length / x.length)
  for (let row = 0; row < y.length; row++) {
    let sum = 0
    for (let col = 0; col < x.length; col++) sum += matrix[row * x.length + col]! * x[col]!
    y[row] = sum
  }
  return y
}

/** Turns elements i and i + K/2 of each head by position · theta^(-2i/K) radians (Su et al. 2021, eq. 34). */
function rope(x: Float64Array, position: number, { headDim, ropeTheta }: PlainConfig): Float64Array {
  const turned = x.slice()
  for (let head = 0; head < x.length; head += headDim) {
    for (let i = 0; i < headDim / 2; i++) {
      const angle = position * ropeTheta ** ((-2 * i) / headDim)
      const a = x[head + i]!
      const b = x[head + i + headDim / 2]!
      turned[head + i] = a * Math.cos(angle) - b * Math.sin(angle)
      turned[head + i + headDim / 2] = b * Math.cos(angle) + a * Math.sin(angle)
    }
  }
  return turned
}

/** Each head takes the mean of the values it sees, weighted by softmax(q·k / √K). Returns [H·K]. */
export function attention(
  q: Float64Array,
  keys: Float64Array[],
  values: Float64Array[],
  config: PlainConfig,
): Float64Array {
  const { nHeads, nKvHeads, headDim, slidingWindow = Infinity } = config
  const first = Math.max(0, keys.length - slidingWindow)
  const out = new Float64Array(q.length)
  for (let head = 0; head < nHeads; head++) {
    const query = q.subarray(head * headDim, (head + 1) * headDim)
    const shared = Math.floor(head / (nHeads / nKvHeads)) * headDim
    const scores = keys.slice(first).map((key) => dot(query, key.subarray(shared)) / Math.sqrt(headDim))
    const best = scores.reduce((a, b) => Math.max(a, b))
    const weights = scores.map((score) => Math.exp(score - best))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (const [i, weight] of weights.entries()) {
      const value = values[first + i]!
      for (let k = 0; k < headDim; k++) out[head * headDim + k]! += (weight / total) * value[shared + k]!
    }
  }
  return out
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

export function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!)
}

export function silu(x: number): number {
  return x / (1 + Math.exp(-x))
}
