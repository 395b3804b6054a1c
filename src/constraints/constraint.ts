/** What may come next in an answer: the notion behind which grammars, schemas and a user's own rules stand. */
import type { CourseRoom, MaskCourse } from './course.ts'

/**
 * Says before each token of one answer which tokens may come. It is asked between steps: `mask` for the next token, then
 * `accept` with the token that was chosen. What it throws ends the answer.
 *
 * @example Only even token ids
 * ```ts
 * const even = { mask: () => new Uint32Array(Math.ceil(model.config.vocabSize / 32)).fill(0x55555555), accept: () => {} }
 * for await (const step of model.generate(prompt, {}, { constraint: () => even })) console.log(step.tokenId)
 * ```
 */
export interface Constraint {
  /**
   * The tokens that may come, [ceil(V / 32)]: token `i` may when bit `i % 32` of word `i / 32` is set (the lowest bit is 0). Words that
   * are missing count as 0; null allows every token. End tokens are tokens like others: where none may come, the answer goes on.
   * The array is read at once and not kept.
   */
  mask(): Uint32Array | null
  /** A token was chosen. Tokens that end the answer are not told, except where the request ignores them. */
  accept(tokenId: number): void
  /** True ends the answer after the token that was accepted last. */
  readonly done?: boolean
  /**
   * True as long as every token may come: `mask` is not asked then, so that several steps run before `accept` tells of the first. It
   * becomes false in `accept`, or stays as it is: what was computed beyond that token is dropped.
   */
  readonly idle?: boolean
  /**
   * True where `mask` would give what it gave last. Several steps may run under one mask then, as long as it stays true behind each of
   * their tokens; those behind another one are dropped. Without it `mask` is asked before each token.
   */
  readonly unchanged?: boolean
  /**
   * A copy that goes its own way. With it tokens can be guessed ahead (`prompt_lookup_num_tokens`, {@link expected}), and where the best
   * token is taken (`do_sample: false`) several steps may run before `mask` is asked for each of them; it may be asked twice for a token
   * then. Without it, each token comes by itself.
   */
  fork?(): Constraint
  /**
   * Asked now and then while the GPU computes: what masks to come need can be worked out ahead here, a fraction of a millisecond at a
   * time. What it throws ends the answer.
   */
  prepare?(): void
  /**
   * The masks of several tokens from the next on, in stages; undefined where they are not known. Tokens that were chosen from them count as long as
   * {@link stage} is the key of the mask that was used.
   * @internal
   */
  course?(room: CourseRoom): MaskCourse | undefined
  /**
   * The key of the stage of the next token.
   * @internal
   */
  readonly stage?: object | undefined
  /** At most `most` tokens that are likely to come, such as those of a text that is fixed. They are guesses: what the model chooses counts. */
  expected?(most: number): readonly number[]
}
