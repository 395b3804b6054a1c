/** The steps of sampling that cut or reshape a distribution, one function each, as Hugging Face defines them. */
import { ascending } from './order.ts'

/**
 * The rules that apply only when sampling, as transformers 5.18 `generation/logits_process.py` defines them. Each takes
 * f32 scores [n], without NaN, and removes candidates in place by setting them to -Infinity. They are indifferent to
 * removed candidates, so they give the same whether they see a whole vocabulary or only what top_k left.
 *
 * Precision is torch's on a CPU: values are f32, sums run in f64, a running sum is rounded to f32 before it is compared,
 * and so is what it is compared with. Published vectors depend on it: `0.1 + 0.1 <= 1 - 0.8` is true in f32 only.
 */

const f32 = Math.fround

/** Probabilities of the scores, f32. +Infinity shares all the mass among its own kind. */
export function softmax(scores: Float32Array): Float32Array {
  const p = new Float32Array(scores.length)
  const max = maximum(scores)
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += p[i] = weight(scores[i]!, max)
  for (let i = 0; i < p.length; i++) p[i] = p[i]! / sum
  return p
}

/** exp(score - max) in f32: 1 for the best, 0 for what is removed. */
export function weight(score: number, max: number): number {
  return score === max && max !== -Infinity ? 1 : f32(Math.exp(f32(score - max)))
}

export function maximum(scores: Float32Array): number {
  let max = -Infinity
  for (let i = 0; i < scores.length; i++) if (scores[i]! > max) max = scores[i]!
  return max
}

export function temperature(scores: Float32Array, t: number): void {
  const divisor = f32(t)
  for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / divisor
}

/**
 * Removes the least probable candidates as long as their running sum is at most 1 - p, never the last one. Among equal
 * scores the lower id goes first.
 */
export function topP(scores: Float32Array, p: number): void {
  const probabilities = softmax(scores)
  const limit = f32(1 - p)
  // Candidates so improbable that all of them together stay below half the limit go in any order, so only the others
  // need sorting. Their sum starts the running sum.
  const surelyOut = limit / 2 / scores.length
  const rest: number[] = []
  let cumulative = 0
  for (let i = 0; i < scores.length; i++) {
    if (probabilities[i]! < surelyOut) {
      cumulative += probabilities[i]!
      scores[i] = -Infinity
    } else rest.push(i)
  }
  const order = ascending(scores, rest)
  for (let i = 0; i < order.length - 1; i++) {
    cumulative += probabilities[order[i]!]!
    if (f32(cumulative) > limit) return
    scores[order[i]!] = -Infinity
  }
}

/** Removes what is less probable than `m` times the best. */
export function minP(scores: Float32Array, m: number): void {
  const probabilities = softmax(scores)
  const threshold = f32(f32(m) * maximum(probabilities))
  for (let i = 0; i < scores.length; i++) if (probabilities[i]! < threshold) scores[i] = -Infinity
}

/**
 * Locally typical sampling: keeps the candidates whose surprise -log p is nearest to the entropy, up to the one that
 * brings their probability to `mass`, and those exactly as near as that one.
 */
export function typicalP(scores: Float32Array, mass: number): void {
  const { logs, entropy } = logSoftmax(scores)
  const distance = logs.map((log) => Math.abs(f32(-log - entropy)))
  const probabilities = softmax(scores)
  const order = ascending(distance, Uint32Array.from(distance.keys()))
  const limit = f32(mass)
  let cumulative = 0
  let last = 0
  for (; last < order.length - 1; last++) {
    cumulative += probabilities[order[last]!]!
    if (f32(cumulative) >= limit) break
  }
  const farthest = distance[order[last]!]!
  for (let i = 0; i < scores.length; i++) {
    if (distance[i]! > farthest) scores[i] = -Infinity
  }
}

/** Removes what is less probable than `epsilon`, never the best. */
export function epsilonCutoff(scores: Float32Array, epsilon: number): void {
  cutOff(scores, f32(epsilon))
}

/** Removes what is less probable than min(epsilon, sqrt(epsilon) · exp(-entropy)), never the best. */
export function etaCutoff(scores: Float32Array, epsilon: number): void {
  const e = f32(epsilon)
  const { entropy } = logSoftmax(scores)
  cutOff(scores, Math.min(e, f32(f32(Math.sqrt(e)) * f32(Math.exp(-entropy)))))
}

function cutOff(scores: Float32Array, threshold: number): void {
  const probabilities = softmax(scores)
  const max = maximum(scores)
  for (let i = 0; i < scores.length; i++) {
    if (probabilities[i]! < threshold && scores[i]! < max) scores[i] = -Infinity
  }
}

/** Log-probabilities, f32, and their entropy in nats, f32. */
function logSoftmax(scores: Float32Array): { logs: Float32Array; entropy: number } {
  const max = maximum(scores)
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += weight(scores[i]!, max)
  const logSum = Math.log(sum)
  const logs = scores.map((x) => (x === max ? 0 : x - max) - logSum)
  let entropy = 0
  for (const log of logs) if (log !== -Infinity) entropy -= log * Math.exp(log)
  return { logs, entropy: f32(entropy) }
}
