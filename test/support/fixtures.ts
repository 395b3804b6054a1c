/** Checkpoints and texts with what the reference gives for them, and small helpers of numbers. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type LoadOptions, MistralModel, type ModelSource } from '../../src/index.ts'
import { disabledFeatures } from './features.ts'

/** A tiny random checkpoint with what Hugging Face transformers computes for it. */
export interface Reference {
  readonly prompt: readonly number[]
  /** [T, V] */
  readonly logits: Float32Array
  /** The sixteen ids that greedy decoding gives after the prompt. */
  readonly greedy: readonly number[]
  readonly vocab: number
}

export function fixture(name: string): { path: string; reference: Reference } {
  const path = fileURLToPath(new URL(`../fixtures/checkpoints/${name}`, import.meta.url))
  const json = JSON.parse(readFileSync(`${path}/reference.json`, 'utf8'))
  const bytes = Uint8Array.from(Buffer.from(json.logits, 'base64'))
  const logits = new Float32Array(bytes.buffer)
  return { path, reference: { prompt: json.prompt, greedy: json.greedy, logits, vocab: json.shape[1] } }
}

/** A text that pocket goes on with, without a template. */
export interface Continuation {
  readonly prompt: string
  readonly prompt_ids: readonly number[]
  /** What greedy decoding gives after the prompt when the end of sequence does not stop it, as transformers computes it. */
  readonly ids: readonly number[]
  /** Prompt and continuation, control tokens left out. */
  readonly text: string
}

/** The one that tests begin with when one is enough. */
export function continuation(): Continuation {
  const file = fileURLToPath(new URL('../fixtures/pocket/continuations.json', import.meta.url))
  return JSON.parse(readFileSync(file, 'utf8')).continuations[0]
}

/** Loads a model without the features that this run does without, and disposes of it afterwards. */
export async function withModel<T>(
  source: ModelSource,
  options: LoadOptions,
  use: (model: MistralModel) => Promise<T>,
): Promise<T> {
  const model = await MistralModel.load(source, { disableFeatures: disabledFeatures(), ...options })
  try {
    return await use(model)
  } finally {
    model.dispose()
  }
}

/** The largest |a - b|; NaN anywhere makes it NaN. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= most)) most = difference
  }
  return most
}

/** Deterministic numbers in [0, 1) for tests: mulberry32. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
