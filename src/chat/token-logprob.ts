import type { IdLogprob, StepLogprobs } from '../generate/step-logprobs.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** A token with its natural log-probability, in the words of OpenAI's API. */
export interface TopLogprob {
  /** The token's text; U+FFFD where it is part of a character. */
  readonly token: string
  readonly token_id: number
  readonly logprob: number
  /** Its bytes in UTF-8. */
  readonly bytes: readonly number[]
}

/** A token of an answer and the most probable ones in its place. */
export interface TokenLogprob extends TopLogprob {
  readonly top_logprobs: readonly TopLogprob[]
}

export function tokenLogprob(tokenizer: Tokenizer, step: StepLogprobs): TokenLogprob {
  return { ...topLogprob(tokenizer, step), top_logprobs: step.top.map((one) => topLogprob(tokenizer, one)) }
}

function topLogprob(tokenizer: Tokenizer, { tokenId, logprob }: IdLogprob): TopLogprob {
  // A control token has no bytes in the text, but a name.
  const bytes = tokenizer.isControl(tokenId)
    ? new TextEncoder().encode(tokenizer.idToToken(tokenId))
    : tokenizer.tokenBytes(tokenId)
  return { token: new TextDecoder().decode(bytes), token_id: tokenId, logprob, bytes: [...bytes] }
}
