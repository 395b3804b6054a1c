/** What the token loop gets of a chat request's parameters. */
import { changed } from '../checks.ts'
import type { TokenParams } from '../generate/token-loop.ts'
import type { RequestParams } from '../sampling/request-params.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { badWordIds } from './request.ts'

/** @param begun tokens that the answer has begun with */
export function tokenParams(tokenizer: Tokenizer, { sampler, loop, text }: RequestParams, begun: number): TokenParams {
  const bad_words_ids = [...sampler.bad_words_ids, ...badWordIds(tokenizer, text.bad_words)]
  // They count as the answer's. One token at least is the model's own: a forced beginning alone would be no answer.
  const max_tokens = Math.max(1, loop.max_tokens - begun)
  const min_new_tokens = Math.max(0, sampler.min_new_tokens - begun)
  return { sampler: changed(sampler, { bad_words_ids, min_new_tokens }), loop: changed(loop, { max_tokens }) }
}

/** Each answer draws numbers of its own. */
export function seedOf(seed: number | bigint, index: number): number | bigint {
  return typeof seed === 'bigint' || !Number.isSafeInteger(seed + index)
    ? BigInt.asIntN(64, BigInt(seed) + BigInt(index))
    : seed + index
}

/** Characters of the longest token. */
export function longestToken(tokenizer: Tokenizer): number {
  let longest = 1
  for (let id = 0; id < tokenizer.vocabSize; id++) longest = Math.max(longest, tokenizer.idToToken(id)?.length ?? 0)
  return longest
}
