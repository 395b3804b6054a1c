import type { TokenLogprob, TopLogprob } from '../chat/token-logprob.ts'
import type { Usage } from '../generate/token-loop.ts'

/** What all parts of one answer share. */
export interface AnswerHead {
  id: string
  created: number
  model: string
}

/** OpenAI's usage, summed over the requests that one answer took. */
export function wireUsage(usages: readonly Usage[]): object {
  const sum = (field: keyof Usage) => usages.reduce((total, usage) => total + usage[field], 0)
  return {
    prompt_tokens: sum('prompt_tokens'),
    completion_tokens: sum('completion_tokens'),
    total_tokens: sum('total_tokens'),
    prompt_tokens_details: { cached_tokens: sum('cached_tokens') },
  }
}

/** As `choices[].logprobs` of chat completions has them; null when none were asked for. */
export function chatLogprobs(logprobs: readonly TokenLogprob[] | null): object | null {
  if (logprobs === null || logprobs.length === 0) return null
  const one = ({ token, logprob, bytes }: TopLogprob) => ({
    token,
    logprob,
    bytes,
  })
  return {
    content: logprobs.map((entry) => ({ ...one(entry), top_logprobs: entry.top_logprobs.map(one) })),
    refusal: null,
  }
}

/** As `choices[].logprobs` of legacy completions has them. `offset`: where in the text the first token begins. */
export function completionLogprobs(logprobs: readonly TokenLogprob[] | null, offset: number): object | null {
  if (logprobs === null || logprobs.length === 0) return null
  let at = offset
  const offsets = logprobs.map(({ token }) => {
    const start = at
    at += token.length
    return start
  })
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top_logprobs: top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: offsets,
  }
}
