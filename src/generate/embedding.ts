/** One vector for a text: what the model's hidden states come to. It is loaded by those who ask for it. */
import { abortSignal, type Checks, checkOptions, flag, oneOf } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { copyIds } from './token-loop.ts'

export interface EmbedOptions {
  /**
   * `'last'` (default) takes the hidden state of the last token, the only one that has seen the whole text; `'mean'` the
   * mean over all tokens, BOS included.
   */
  pooling?: 'last' | 'mean' | undefined
  /** Divide the vector by its length, so that dot products are cosines. Default true. */
  normalize?: boolean | undefined
  signal?: AnyAbortSignal | undefined
}

/** The embedding of one text. */
export interface Embedding {
  /** As many numbers as the model's hidden states are wide. */
  readonly embedding: Float32Array<ArrayBuffer>
  /** Tokens of the text, BOS included. */
  readonly tokens: number
}

const OPTIONS: Checks<EmbedOptions> = { pooling: oneOf('last', 'mean'), normalize: flag, signal: abortSignal }

/** @throws ParameterError */
export function embedOptions(options: unknown): EmbedOptions {
  checkOptions<EmbedOptions>(options, OPTIONS)
  return options
}

/** @throws ParameterError for a text where there is no tokenizer */
export function idsOf(text: string | Iterable<number>, tokenizer: Tokenizer | undefined): readonly number[] {
  if (typeof text !== 'string') return copyIds(text)
  if (tokenizer === undefined) {
    throw new ParameterError('text', text, 'must be token ids: the model was loaded without a tokenizer')
  }
  return tokenizer.encode(text, { bos: tokenizer.addsBos })
}

/** An embedding on its way: `step` computes the next chunk. */
export class EmbeddingRun {
  private done = 0
  private readonly sum: Float64Array

  constructor(
    private readonly loaded: LoadedModel,
    private readonly ids: readonly number[],
    private readonly options: EmbedOptions,
  ) {
    this.sum = new Float64Array(loaded.config.dim)
  }

  /** Computes one chunk in a sequence that nobody else uses meanwhile. True when all tokens are done. */
  async step(sequence: number): Promise<boolean> {
    const { loaded, ids, sum } = this
    if (this.done === 0) loaded.runner.writeTokens(sequence, 0, ids)
    const count = Math.min(loaded.chunk, ids.length - this.done)
    const last = this.done + count === ids.length
    const wanted = this.options.pooling === 'mean' ? count : last ? 1 : 0
    const reader = await loaded.hiddenReader()
    for (const state of await reader.read({ sequence, first: this.done, count, wanted })) {
      for (let i = 0; i < sum.length; i++) sum[i]! += state[i]!
    }
    this.done += count
    return last
  }

  result(): Embedding {
    const { sum, ids } = this
    const { pooling, normalize = true } = this.options
    const length = normalize ? Math.hypot(...sum) : pooling === 'mean' ? ids.length : 1
    // A vector of zeros has no direction.
    const embedding = Float32Array.from(sum, (value) => (length === 0 ? 0 : value / length))
    return { embedding, tokens: ids.length }
  }
}
