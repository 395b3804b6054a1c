/** Log-probabilities with the text and bytes of their tokens, as chat requests return them. */
import type { IdLogprob, StepLogprobs } from '../generate/step-logprobs.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** A token with its natural log-probability, in the words of OpenAI's API. */
export interface TopLogprob {
  /** The token's text; U+FFFD where it is part of a character. */
  readonly token: string
  readonly token_id: number
  readonly logprob: number
  /** Its bytes in UTF-8, as they are in the text: without the space that the beginning of a text leaves out. */
  readonly bytes: readonly number[]
}

/** A token of an answer and the most probable ones in its place. */
export interface TokenLogprob extends TopLogprob {
  readonly top_logprobs: readonly TopLogprob[]
}

/** `begins`: the token is the first of the text, and would have been if it were another. */
export function tokenLogprob(tokenizer: Tokenizer, step: StepLogprobs, begins: boolean): TokenLogprob {
  const one = ({ tokenId, logprob }: IdLogprob): TopLogprob => {
    // A control token has no bytes in the text, but a name.
    const bytes = tokenizer.isControl(tokenId)
      ? new TextEncoder().encode(tokenizer.idToToken(tokenId))
      : tokenizer.tokenBytes(tokenId, { begins })
    return { token: textOf(bytes), token_id: tokenId, logprob, bytes: [...bytes] }
  }
  return { ...one(step), top_logprobs: step.top.map(one) }
}

export function textOf(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
