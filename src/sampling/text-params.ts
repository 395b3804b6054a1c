/** The parameters of a request that only mean something where there is text. */
import { type Checks, flag, integer } from '../checks.ts'
import { asList, stops, texts } from './param-checks.ts'

/** Parameters about the text. Every field may be left out or null. */
export interface TextInput {
  /** Texts that end the answer and are not part of it, at most 16. Empty ones say nothing. */
  stop?: string | readonly string[] | null | undefined
  /** Texts that are never generated, at the beginning of a word or inside one. */
  bad_words?: readonly string[] | null | undefined
  /** Answers to give to the same prompt, 1 to 16. Answer i draws with seed + i. Default 1. */
  n?: number | null | undefined
  /** Put the text of the prompt before the answer. Default false. */
  return_full_text?: boolean | null | undefined
  /**
   * Tokens that a thought may have; then it is ended as if the model had ended it, and the answer goes on. 0: no thought.
   * They count as the answer's. Default: no limit of their own.
   */
  max_reasoning_tokens?: number | null | undefined
  /** false leaves thoughts out of what is returned; the model thinks them all the same. Default true. */
  include_reasoning?: boolean | null | undefined
}

/** Checked, with all defaults filled in. */
export interface TextParams {
  readonly stop: readonly string[]
  readonly bad_words: readonly string[]
  readonly n: number
  readonly return_full_text: boolean
  /** undefined: no limit. */
  readonly max_reasoning_tokens: number | undefined
  readonly include_reasoning: boolean
}

const MAX_STOPS = 16
const MAX_BAD_WORDS = 1024
const MAX_BAD_WORD_LENGTH = 256
const MAX_BAD_WORDS_LENGTH = 32_768
const MAX_CHOICES = 16

export const TEXT_CHECKS: Checks<TextInput> = {
  stop: stops(MAX_STOPS),
  bad_words: texts(MAX_BAD_WORDS, MAX_BAD_WORD_LENGTH, MAX_BAD_WORDS_LENGTH),
  n: integer(1, MAX_CHOICES),
  return_full_text: flag,
  max_reasoning_tokens: integer(0),
  include_reasoning: flag,
}

/** @param values have passed their checks */
export function textParams(values: TextInput): TextParams {
  return {
    stop: (asList(values.stop ?? []) as readonly string[]).filter((text) => text !== ''),
    bad_words: [...(asList(values.bad_words ?? []) as readonly string[])],
    n: values.n ?? 1,
    return_full_text: values.return_full_text ?? false,
    max_reasoning_tokens: values.max_reasoning_tokens ?? undefined,
    include_reasoning: values.include_reasoning ?? true,
  }
}
