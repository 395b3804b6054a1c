/** The parameters of a request as options: each under the wire's name, with dashes or underscores. */
import { type Command, Option } from 'commander'
import { ParameterError } from '../errors.ts'
import { parseJson } from '../json/parse.ts'
import { exactJson } from '../json/value.ts'
import { PARAMETERS, parseRequestParams, type SamplingInput } from '../sampling/request-params.ts'
import { UsageError } from './context.ts'
import { adapterOption, addAliases, collect, numberOf, type Values } from './options.ts'

type Reader = (text: string) => unknown

/** A parameter of the request with the option that sets it. */
interface SamplingOption {
  readonly name: keyof SamplingInput
  readonly argument: string
  /** Empty: the option is accepted and not listed, since another one says the same or few people need it. */
  readonly help: string
  readonly read: Reader
  /** May stand several times. */
  readonly many?: boolean
  /** Other spellings, each with its dashes. A short one is shown. */
  readonly aliases?: readonly string[]
}

const text: Reader = (given) => given

const OPTIONS: readonly SamplingOption[] = [
  option('max_tokens', '<n>', 'length of the answer at most (default: 512)', numberOf, { aliases: ['-n'] }),
  option('temperature', '<x>', 'below 1 is more predictable (default: 1)', numberOf, { aliases: ['--temp'] }),
  option('top_k', '<n>', 'only the n best tokens, 0 is all (default: 50)', numberOf),
  option('top_p', '<x>', 'only the best that hold this much (default: 0.95)', numberOf),
  option('seed', '<n>', 'the same seed draws the same text again', integerOf, { aliases: ['-s'] }),
  option('stop', '<text>', 'end before this text (repeatable)', text, { many: true }),
  option('min_p', '<x>', 'only tokens this likely beside the best', numberOf),
  option('typical_p', '<x>', 'locally typical sampling', numberOf),
  option('epsilon_cutoff', '<x>', 'only tokens at least this likely', numberOf),
  option('eta_cutoff', '<x>', 'eta sampling', numberOf),
  option('repetition_penalty', '<x>', 'above 1 avoids what was said', numberOf),
  option('frequency_penalty', '<x>', 'the same, for each time it was said', numberOf),
  option('presence_penalty', '<x>', 'the same, once', numberOf),
  option('no_repeat_ngram_size', '<n>', 'no n tokens in the same order twice', numberOf),
  option('min_length', '<n>', 'least tokens of prompt and answer', numberOf),
  option('min_new_tokens', '<n>', 'least tokens of the answer', numberOf),
  option('bad_words', '<text>', 'never write this (repeatable)', text, { many: true }),
  option('suppress_tokens', '<ids>', 'never generate these ids, as in 2,32000', idsOf),
  option('stop_token_ids', '<ids>', 'end at these ids', idsOf),
  option('prompt_lookup_num_tokens', '<n>', 'guess so many tokens from the prompt', numberOf),
  option('adapter', '<name>', '', text),
  option('adapter_id', '<name>', '', text),
  ...PARAMETERS.map((name) => unlisted(name as keyof SamplingInput)),
]

function option(
  name: keyof SamplingInput,
  argument: string,
  help: string,
  read: Reader,
  more: Pick<SamplingOption, 'many' | 'aliases'> = {},
): SamplingOption {
  return { name, argument, help, read, ...more }
}

/** The parameters of the wire that no line above has: accepted under their names as JSON. */
function unlisted(name: keyof SamplingInput): SamplingOption {
  return { name, argument: '<value>', help: '', read: name === 'random_seed' ? integerOf : jsonOf }
}

const BY_NAME = new Map<string, SamplingOption>()
for (const option of OPTIONS) if (!BY_NAME.has(option.name)) BY_NAME.set(option.name, option)

/** The options that follow are for few people. */
const LAST_OF_THE_USUAL = 'stop'
/** `ignore_eos` has an option without a value, and `--adapter` loads what it names. */
const OWN_OPTION = ['ignore_eos', 'adapter']

export function addSamplingOptions(command: Command): Command {
  command.optionsGroup('Answer:')
  for (const option of BY_NAME.values()) {
    if (OWN_OPTION.includes(option.name)) continue
    addOption(command, option)
    if (option.name === 'temperature') command.option('--no-sample', 'always take the best token (greedy)')
    if (option.name === LAST_OF_THE_USUAL) command.optionsGroup('Fine tuning of the answer:')
  }
  return command
    .option('--ignore-eos', 'go on after the end that the model sets')
    .addOption(new Option('--ignore_eos').hideHelp())
    .addOption(adapterOption())
    .option('--params <json>', 'parameters of a request as a JSON object; options win')
}

function addOption(command: Command, { name, argument, help, many, aliases = [] }: SamplingOption): void {
  const short = aliases.find((alias) => !alias.startsWith('--'))
  const main = new Option(`${short === undefined ? '' : `${short}, `}${flagOf(name)} ${argument}`, help)
  if (help === '') main.hideHelp()
  if (many) main.argParser(collect)
  command.addOption(main)
  const underscored = name.includes('_') ? [`--${name}`] : []
  addAliases(command, main, [...underscored, ...aliases.filter((alias) => alias !== short)])
}

/**
 * The sampling parameters that the options spell, in the wire's names and checked; what was not said is left out.
 * Throws `ParameterError` or `UsageError`.
 */
export function samplingParams(values: Values): SamplingInput {
  const params: Record<string, unknown> = { ...jsonParams(values.params) }
  for (const { name, read, many } of BY_NAME.values()) {
    if (OWN_OPTION.includes(name)) continue
    const value = values[attributeOf(name)]
    if (value !== undefined) params[name] = many ? value : read(value as string)
  }
  if (values.sample === false) params.do_sample = false
  if (values.ignoreEos === true || values.ignore_eos === true) params.ignore_eos = true
  parseRequestParams(params)
  return params as SamplingInput
}

/**
 * One parameter by any of its spellings and the text of its value, as a person types both.
 * @returns undefined when there is no such parameter
 */
export function readSetting(name: string, value: string): readonly [keyof SamplingInput, unknown] | undefined {
  const spelt = name.replace(/^-+/, '').replaceAll('-', '_')
  const option =
    BY_NAME.get(spelt) ?? OPTIONS.find(({ aliases }) => aliases?.some((alias) => alias.replace(/^-+/, '') === spelt))
  if (option === undefined) return undefined
  const isList = option.many === true && value.startsWith('[')
  return [option.name, isList ? jsonOf(value) : option.many === true ? [value] : option.read(value)]
}

/** Throws `UsageError` for what makes no sense in a conversation: several answers at once, and numbers beside the text. */
export function refuseManyAnswers(params: SamplingInput): void {
  if ((params.n ?? 1) > 1) throw new UsageError('n: a conversation goes on from one answer')
  if (params.logprobs === true) throw new UsageError('logprobs: a conversation shows text alone')
}

/** Every name that {@link readSetting} knows. */
export const SETTING_NAMES: readonly string[] = [...BY_NAME.keys(), 'temp']

function jsonParams(given: unknown): Record<string, unknown> {
  if (given === undefined) return {}
  let value: unknown
  try {
    value = exactJson(parseJson(given as string, { nonFinite: false }))
  } catch (error) {
    throw new UsageError(`option --params is not JSON: ${(error as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ParameterError('params', value, 'must be a JSON object')
}

/** The option that sets a parameter, with its dashes; undefined when there is none. */
export function flagOfParameter(name: string): string | undefined {
  return BY_NAME.has(name) ? flagOf(name) : undefined
}

function flagOf(name: string): string {
  return `--${name.replaceAll('_', '-')}`
}

function attributeOf(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** Beyond 2^53 - 1 as a bigint, since a number would be another one. */
function integerOf(given: string): unknown {
  const number = numberOf(given)
  return /^-?\d+$/.test(given) && !Number.isSafeInteger(number) ? BigInt(given) : number
}

function idsOf(given: string): unknown {
  return given.split(',').map((part) => numberOf(part.trim()))
}

/** JSON, or the text itself for the parameter's own rule to refuse and to show. */
function jsonOf(given: string): unknown {
  try {
    return exactJson(parseJson(given, { nonFinite: false }))
  } catch {
    return given
  }
}
