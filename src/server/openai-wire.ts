/** Parts of answers that both of OpenAI's routes have: ids, usage, logprobs. */
import type { ChatChoice } from '../chat/answer.ts'
import type { TokenLogprob, TopLogprob } from '../chat/token-logprob.ts'
import type { Usage } from '../generate/types.ts'
import { randomHex } from './ids.ts'

/** The fields that all parts of one answer share. */
export interface AnswerHead {
  id: string
  created: number
  model: string
}

/** @param prefix of the id, by which OpenAI's clients tell kinds of answers */
export function answerHead(prefix: string, model: string): AnswerHead {
  return { id: `${prefix}-${randomHex(12)}`, created: Math.floor(Date.now() / 1000), model }
}

/** Makes the chunks of a streamed answer. With `includeUsage` each has the field, null until the last. */
export function chunksOf({ id, created, model }: AnswerHead, object: string, includeUsage: boolean) {
  return (choices: readonly object[], usage: object | null = null): object => ({
    id,
    object,
    created,
    model,
    choices,
    ...(includeUsage && { usage }),
  })
}

/** OpenAI's usage, summed over the requests that one answer took. Without choices nothing is said of thoughts. */
export function wireUsage(
  usages: readonly Usage[],
  choices: readonly Pick<ChatChoice, 'reasoning_tokens'>[] = [],
): object {
  const reasoning_tokens = choices.reduce((total, choice) => total + (choice.reasoning_tokens ?? 0), 0)
  const sum = (field: keyof Usage) => usages.reduce((total, usage) => total + usage[field], 0)
  return {
    prompt_tokens: sum('prompt_tokens'),
    completion_tokens: sum('completion_tokens'),
    total_tokens: sum('total_tokens'),
    prompt_tokens_details: { cached_tokens: sum('cached_tokens') },
    ...(reasoning_tokens > 0 && { completion_tokens_details: { reasoning_tokens } }),
  }
}

/** The form of `choices[].logprobs` in chat completions; null when none were asked for. */
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

/**
 * Where in the text of one choice its tokens begin, in UTF-16 units as the text itself is counted. It is taken from their
 * bytes: a token may be a part of a character, and then has the place where that begins.
 */
export class TextOffsets {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  /** @param at the length of what the text begins with, before the first token's */
  constructor(private at: number) {}

  /** The place of the next token, in the order of the answer. */
  next({ bytes }: TopLogprob): number {
    const [first = 0] = bytes
    // Only bytes from 0x80 to 0xbf go on with a character; before any other, one that is not whole became U+FFFD.
    if ((first & 0xc0) !== 0x80) this.at += this.decoder.decode().length
    const { at } = this
    this.at += this.decoder.decode(Uint8Array.from(bytes), { stream: true }).length
    return at
  }
}

/** The form of `choices[].logprobs` in legacy completions. */
export function completionLogprobs(logprobs: readonly TokenLogprob[] | null, offsets: TextOffsets): object | null {
  if (logprobs === null || logprobs.length === 0) return null
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top_logprobs: top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: logprobs.map((entry) => offsets.next(entry)),
  }
}
