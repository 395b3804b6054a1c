import type { Constraint, MistralModel, SamplingInput } from '../../src/index.ts'
import { fixture } from '../support/fixtures.ts'
import { tokensOf } from './support.ts'

export const { path, reference } = fixture('window-7')
export const vocab = reference.vocab
export const load = { kvCache: 'f32', prefillChunk: 8 } as const
export const base = { ignore_eos: true, max_tokens: 20 } as const

export function maskOf(ids: Iterable<number>): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocab / 32))
  for (const id of ids) mask[id >>> 5]! |= 1 << (id & 31)
  return mask
}

/** Each token's remainder by 3 is one more than that of the token before it. */
export class Rising implements Constraint {
  accepted: number[] = []
  asked = 0
  constructor(private state = 0) {}

  mask(): Uint32Array {
    this.asked++
    return maskOf(Array.from({ length: vocab }, (_, id) => id).filter((id) => id % 3 === this.state))
  }

  accept(tokenId: number): void {
    if (tokenId % 3 !== this.state) throw new Error(`token ${tokenId} in state ${this.state}`)
    this.accepted.push(tokenId)
    this.state = (this.state + 1) % 3
  }
}

export class ForkingRising extends Rising {
  fork(): Rising {
    return new ForkingRising(this.accepted.length % 3)
  }
}

/** Lets in every third token, the same ones until one comes that can be divided by 5. */
export class Staying implements Constraint {
  asked = 0
  private state = 0
  private given = -1
  constructor(private readonly tells: boolean) {}

  mask(): Uint32Array {
    this.asked++
    this.given = this.state
    return maskOf(Array.from({ length: vocab }, (_, id) => id).filter((id) => id % 3 === this.state))
  }

  accept(tokenId: number): void {
    if (tokenId % 3 !== this.state) throw new Error(`token ${tokenId} in state ${this.state}`)
    if (tokenId % 5 === 0) this.state = (this.state + 1) % 3
  }

  get unchanged(): boolean {
    return this.tells && this.given === this.state
  }
}

/** Leaves a few tokens out, others behind each token: what is best of all is mostly allowed. Now and then it lets in only what it left out before. */
export class Sparing implements Constraint {
  asked = 0
  constructor(private state = 0) {}

  mask(): Uint32Array {
    this.asked++
    const { state } = this
    const all = Array.from({ length: vocab }, (_, id) => id)
    return maskOf(all.filter((id) => (id % 7 === state % 7) === (state % 9 === 8)))
  }

  accept(tokenId: number): void {
    this.state += 1 + (tokenId % 4)
  }

  fork(): Sparing {
    return new Sparing(this.state)
  }
}

export function keeps(ids: readonly number[]): boolean {
  return ids.every((id, i) => id % 3 === i % 3)
}

export const KINDS: readonly SamplingInput[] = [
  { ...base, do_sample: false },
  { ...base, seed: 4, temperature: 1.5, top_k: 20 },
  { ...base, seed: 5, temperature: 1.2, top_k: 0, top_p: 0.9, min_p: 0.01 },
  { ...base, seed: 6, top_k: 0, repetition_penalty: 1.4, logit_bias: { 9: 4 }, frequency_penalty: 0.3 },
]

export const constrained = (
  model: MistralModel,
  prompt: readonly number[],
  params: SamplingInput,
  make = () => new Rising(),
) => tokensOf(model.generate(prompt, params, { constraint: make }))
