/** The parameters of a request that only mean something where there is text. */
import { type Checks, check, flag, integer, text } from '../checks.ts'
import { ParameterError } from '../errors.ts'
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
  /**
   * `{ type: 'json_object' }`: the answer is a JSON object. `{ type: 'json_schema', json_schema: { schema } }`: it is JSON that the
   * schema (draft 2020-12) accepts, whether `strict` or not. Of this and the next three a request has one at most.
   */
  response_format?: ResponseFormat | null | undefined
  /** The answer matches this regular expression (ECMA-262) as a whole. */
  regex?: string | null | undefined
  /** The answer is one of these texts. */
  choice?: readonly string[] | null | undefined
  /** The answer follows this grammar, in GBNF as llama.cpp documents it. */
  grammar?: string | null | undefined
  /**
   * true: where the answer goes on with the assistant's last message, what the text must be like is said of that message and
   * the answer together. Default false: of the answer alone.
   */
  constrain_prefix?: boolean | null | undefined
}

/** What an answer is written in; the form is OpenAI's. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema'
      readonly json_schema: {
        readonly name?: string | null | undefined
        readonly description?: string | null | undefined
        readonly schema: unknown
        readonly strict?: boolean | null | undefined
      }
    }

/** What an answer's text must be like: the parameter that says so, with its value. */
export interface TextFormat {
  readonly name: 'response_format' | 'regex' | 'choice' | 'grammar'
  readonly value: unknown
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
  readonly format: TextFormat | undefined
  readonly constrain_prefix: boolean
}

const MAX_STOPS = 16
const MAX_BAD_WORDS = 1024
const MAX_BAD_WORD_LENGTH = 256
const MAX_BAD_WORDS_LENGTH = 32_768
const MAX_CHOICES = 16
const MAX_TEXTS = 100_000
const FORMATS = ['response_format', 'regex', 'choice', 'grammar'] as const

export const TEXT_CHECKS: Checks<TextInput> = {
  stop: stops(MAX_STOPS),
  bad_words: texts(MAX_BAD_WORDS, MAX_BAD_WORD_LENGTH, MAX_BAD_WORDS_LENGTH),
  n: integer(1, MAX_CHOICES),
  return_full_text: flag,
  max_reasoning_tokens: integer(0),
  include_reasoning: flag,
  response_format: check(
    (value) => ['text', 'json_object', 'json_schema'].includes((value as { type?: string }).type!),
    'of the type text, json_object or json_schema',
  ),
  regex: text,
  choice: check(
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= MAX_TEXTS &&
      value.every((item) => typeof item === 'string'),
    `a list of 1 to ${MAX_TEXTS} texts`,
  ),
  grammar: text,
  constrain_prefix: flag,
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
    format: formatOf(values),
    constrain_prefix: values.constrain_prefix ?? false,
  }
}

/** @throws ParameterError where several parameters say what the text must be like */
function formatOf(values: TextInput): TextFormat | undefined {
  const given = FORMATS.filter((name) => values[name] !== undefined && values[name] !== null)
  const [first, second] = given.filter((name) => name !== 'response_format' || values[name]!.type !== 'text')
  if (second !== undefined) throw new ParameterError(second, values[second], `cannot be combined with ${first}`)
  if (first === undefined) return undefined
  try {
    // What the caller does to it later changes nothing.
    return { name: first, value: structuredClone(values[first]) }
  } catch (cause) {
    throw new ParameterError(first, values[first], 'must be plain JSON', { cause })
  }
}
