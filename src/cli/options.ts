import { type Command, Option } from 'commander'
import { ParameterError } from '../errors.ts'
import { parseRequestParams, type SamplingInput } from '../sampling/request-params.ts'
import { UsageError } from './context.ts'

/** Values as commander hands them over, under the option's name in camel case. */
export type Values = Readonly<Record<string, unknown>>

export interface ModelOptions {
  readonly model: string | undefined
  readonly weights: 'native' | 'q8' | 'q4' | undefined
  readonly kvCache: 'auto' | 'f16' | 'f32' | undefined
  readonly contextLength: number | undefined
  readonly slidingWindow: number | null | undefined
}

export function addModelOptions(command: Command): Command {
  return command
    .optionsGroup('Model:')
    .option(
      '-m, --model <source>',
      'a folder, a .gguf file, or a URL of either (default: the small model that ships with the package)',
    )
    .addOption(new Option('--weights <type>', 'quantize while loading').choices(['native', 'q8', 'q4']))
    .addOption(new Option('--kv-cache <type>', 'type of the key/value cache').choices(['auto', 'f16', 'f32']))
    .option('--context <n>', 'positions of prompt and answer together (default: what the model allows, at most 4096)')
    .option('--sliding-window <n>', 'override the attention window of the checkpoint; "none" is full attention')
}

export function modelOptions(values: Values): ModelOptions {
  const window = values.slidingWindow
  return {
    model: values.model as string | undefined,
    weights: values.weights as ModelOptions['weights'],
    kvCache: values.kvCache as ModelOptions['kvCache'],
    contextLength: positiveInteger('--context', values.context),
    slidingWindow: window === 'none' ? null : positiveInteger('--sliding-window', window, ' or "none"'),
  }
}

function positiveInteger(flag: string, value: unknown, otherwise = ''): number | undefined {
  return integerOption(flag, value, { otherwise })
}

/** An option's value as an integer; undefined when it was not given. Throws `UsageError` naming flag and limits. */
export function integerOption(
  flag: string,
  value: unknown,
  { min = 1, max = Number.MAX_SAFE_INTEGER, otherwise = '' } = {},
): number | undefined {
  if (value === undefined) return undefined
  const number = numberOf(value)
  if (Number.isSafeInteger(number) && (number as number) >= min && (number as number) <= max) return number as number
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new UsageError(`option ${flag} ${JSON.stringify(value)} must be an integer ${range}${otherwise}`)
}

/** For options that may stand several times: their values in order. */
export function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text]
}

type Reader = (text: string) => unknown

/** A parameter of the request with the option that sets it. */
interface SamplingOption {
  readonly name: keyof SamplingInput
  readonly argument: string
  readonly help: string
  readonly read: Reader
  /** May stand several times. */
  readonly many?: boolean
}

const SAMPLING_OPTIONS: readonly SamplingOption[] = [
  { name: 'max_new_tokens', argument: '<n>', help: 'length of the answer at most (default: 512)', read: numberOf },
  { name: 'temperature', argument: '<x>', help: 'below 1 is more predictable (default: 1)', read: numberOf },
  { name: 'top_k', argument: '<n>', help: 'only the n best tokens, 0 is all (default: 50)', read: numberOf },
  { name: 'top_p', argument: '<x>', help: 'only the best tokens that hold this much (default: 0.95)', read: numberOf },
  { name: 'min_p', argument: '<x>', help: 'only tokens this likely beside the best', read: numberOf },
  { name: 'typical_p', argument: '<x>', help: 'locally typical sampling', read: numberOf },
  { name: 'epsilon_cutoff', argument: '<x>', help: 'only tokens at least this likely', read: numberOf },
  { name: 'eta_cutoff', argument: '<x>', help: 'eta sampling', read: numberOf },
  { name: 'seed', argument: '<n>', help: 'the same seed draws the same text on one device', read: seedOf },
  { name: 'repetition_penalty', argument: '<x>', help: 'above 1 avoids what was said', read: numberOf },
  { name: 'frequency_penalty', argument: '<x>', help: 'the same, for each time it was said', read: numberOf },
  { name: 'presence_penalty', argument: '<x>', help: 'the same, once', read: numberOf },
  { name: 'no_repeat_ngram_size', argument: '<n>', help: 'no n tokens in the same order twice', read: numberOf },
  { name: 'min_length', argument: '<n>', help: 'prompt and answer have this many tokens at least', read: numberOf },
  { name: 'min_new_tokens', argument: '<n>', help: 'the answer has this many tokens at least', read: numberOf },
  { name: 'bad_words', argument: '<text>', help: 'never write this (repeatable)', read: (text) => text, many: true },
  { name: 'prompt_lookup_num_tokens', argument: '<n>', help: 'guess so many tokens from the prompt', read: numberOf },
  { name: 'stop', argument: '<text>', help: 'end before this text (repeatable)', read: (text) => text, many: true },
  { name: 'stop_token_ids', argument: '<ids>', help: 'end at these ids, as in 2,32000', read: idsOf },
  { name: 'suppress_tokens', argument: '<ids>', help: 'never generate these ids', read: idsOf },
]

export function addSamplingOptions(command: Command): Command {
  command.optionsGroup('Answer:')
  for (const { name, argument, help, many } of SAMPLING_OPTIONS) {
    const option = new Option(`${flagOf(name)} ${argument}`, help)
    if (many) option.argParser(collect)
    command.addOption(option)
    if (name === 'max_new_tokens') command.option('--no-sample', 'always take the best token (greedy)')
  }
  return command
    .option('--ignore-eos', 'go on after the end that the model sets')
    .option('--params <json>', 'any parameters of a request as a JSON object; options win over it')
}

/**
 * The sampling parameters that the options spell, in the wire's names and checked; what was not said is left out.
 * Throws `ParameterError` or `UsageError`.
 */
export function samplingParams(values: Values): SamplingInput {
  const params: Record<string, unknown> = { ...jsonParams(values.params) }
  for (const { name, read, many } of SAMPLING_OPTIONS) {
    const value = values[attributeOf(name)]
    if (value !== undefined) params[name] = many ? value : read(value as string)
  }
  if (values.sample === false) params.do_sample = false
  if (values.ignoreEos === true) params.ignore_eos = true
  parseRequestParams(params)
  return params as SamplingInput
}

function jsonParams(text: unknown): Record<string, unknown> {
  if (text === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(text as string)
  } catch (error) {
    throw new UsageError(`option --params is not JSON: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ParameterError('params', value, 'must be a JSON object')
}

function flagOf(name: string): string {
  return `--${name.replaceAll('_', '-')}`
}

function attributeOf(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** A plain decimal number; anything else stays text, for the parameter's own rule to refuse and to show. */
function numberOf(text: unknown): unknown {
  return typeof text === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text
}

function seedOf(text: string): unknown {
  const number = numberOf(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number
}

function idsOf(text: string): unknown {
  return text.split(',').map((part) => numberOf(part.trim()))
}
