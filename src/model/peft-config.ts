/** Reads `adapter_config.json`: what PEFT's LoraConfig says, as far as it changes what an adapter computes. */
import { ConfigError } from '../errors.ts'
import { numberAbove, positiveInteger } from './config.ts'

type Fields = Readonly<Record<string, unknown>>

export interface PeftConfig {
  readonly base: string | undefined
  readonly notes: readonly string[]
  /** Whether the config names a module, by its whole name; undefined when that cannot be told. */
  targets(module: string): boolean | undefined
  /** What the config says of a module's rank. Where several keys fit, PEFT trains and loads with the first. */
  ranksOf(module: string): readonly number[]
  /** The alphas in the same way. */
  alphasOf(module: string): readonly number[]
  /** By the first alpha. */
  scaleOf(module: string, rank: number): number
}

const MAX_RANK = 65_536

/** Fields that change what an adapter computes in ways that are not supported, with what they say when they do not. */
const REFUSED: Readonly<Record<string, { harmless: readonly unknown[]; fact: string }>> = {
  use_dora: { harmless: [false], fact: 'DoRA is not supported: merge the adapter into its model' },
  use_qalora: { harmless: [false], fact: 'QA-LoRA is not supported' },
  use_bdlora: { harmless: [false], fact: 'BD-LoRA is not supported' },
  lora_bias: { harmless: [false], fact: 'biases of an adapter are not supported' },
  modules_to_save: {
    harmless: [],
    fact: 'modules that were trained as a whole are not supported: merge the adapter into its model',
  },
  trainable_token_indices: { harmless: [], fact: 'trained token embeddings are not supported' },
  layer_replication: { harmless: [], fact: 'a model with repeated layers is not supported' },
  target_parameters: { harmless: [], fact: 'adapters of parameters that are no linear layers are not supported' },
  alora_invocation_tokens: { harmless: [], fact: 'an adapter that begins at certain tokens (aLoRA) is not supported' },
  arrow_config: { harmless: [], fact: 'routing among adapters (Arrow) is not supported' },
  kasa_config: { harmless: [], fact: 'KaSA is not supported' },
  velora_config: { harmless: [], fact: 'VeLoRA is not supported' },
  monteclora_config: { harmless: [], fact: 'MonteCLoRA is not supported' },
}

/** PEFT changes the weights of the model itself when it loads adapters that were begun so. */
const CHANGES_BASE = /^(?:pissa|corda|olora|loftq|lora_ga|mica)/i

/** @throws ConfigError naming the field */
export function parsePeftConfig(fields: Fields): PeftConfig {
  const { peft_type: kind, bias = 'none', base_model_name_or_path: base } = fields
  if (kind !== 'LORA') throw new ConfigError('peft_type', kind, 'is not supported; "LORA" is')
  for (const [field, { harmless, fact }] of Object.entries(REFUSED)) {
    const value = fields[field] ?? undefined
    if (value !== undefined && !isEmpty(value) && !harmless.includes(value)) throw new ConfigError(field, value, fact)
  }
  const begun = fields.init_lora_weights
  if (typeof begun === 'string' && CHANGES_BASE.test(begun)) {
    const fact = 'such an adapter belongs to a model whose weights were changed first: convert it to a plain one'
    throw new ConfigError('init_lora_weights', begun, fact)
  }
  if (bias !== 'none') throw new ConfigError('bias', bias, 'trained biases are not supported; "none" is')
  const rankFrom = (field: string, value: unknown) => positiveInteger(field, value, MAX_RANK)
  const ranks = patternOf(fields, 'rank_pattern', rankFrom, rankFrom('r', fields.r ?? 8))
  const alphas = patternOf(fields, 'alpha_pattern', alphaOf, alphaOf('lora_alpha', fields.lora_alpha ?? 8))
  const isStabilized = flagOf(fields, 'use_rslora')
  const notes: string[] = []
  if (flagOf(fields, 'fan_in_fan_out')) notes.push('adapter_config.json: fan_in_fan_out has no effect on linear layers')
  return {
    base: typeof base === 'string' && base !== '' ? base : undefined,
    notes,
    targets: targetsOf(fields),
    ranksOf: ranks,
    alphasOf: alphas,
    scaleOf: (module, rank) => alphas(module)[0]! / (isStabilized ? Math.sqrt(rank) : rank),
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function flagOf(fields: Fields, field: string): boolean {
  const value = fields[field] ?? false
  if (typeof value !== 'boolean') throw new ConfigError(field, value, 'must be true or false')
  return value
}

function alphaOf(field: string, value: unknown): number {
  return numberAbove(field, value, -1e9, 1e9)
}

/** The values of the keys that are regular expressions for the end of a module's name, from a dot on; without one, `otherwise`. */
function patternOf(
  fields: Fields,
  field: string,
  read: (field: string, value: unknown) => number,
  otherwise: number,
): (module: string) => readonly number[] {
  const pattern = fields[field] ?? {}
  if (typeof pattern !== 'object' || Array.isArray(pattern)) {
    throw new ConfigError(field, pattern, 'must be an object of numbers by names of modules')
  }
  const entries = Object.entries(pattern as Fields).map(([key, value]) => {
    const expression = expressionOf(`^(?:.*\\.)?(?:${key})$`)
    if (expression === undefined) throw new ConfigError(field, key, 'is no regular expression that can be read here')
    return { expression, value: read(`${field}.${key}`, value) }
  })
  return (module) => {
    const fitting = entries.filter(({ expression }) => expression.test(module))
    return fitting.length === 0 ? [otherwise] : fitting.map(({ value }) => value)
  }
}

/** undefined where JavaScript cannot read an expression of Python's. Named groups and `\Z` are spelt otherwise there. */
function expressionOf(source: string): RegExp | undefined {
  const spelt = source
    .replace(/\(\?P</g, '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replace(/\\Z/g, '$')
  try {
    return new RegExp(spelt)
  } catch {
    return undefined
  }
}

type Names = (module: string) => boolean | undefined

function targetsOf(fields: Fields): Names {
  const wanted = namesOf(fields, 'target_modules')
  const excluded = namesOf(fields, 'exclude_modules')
  const layers = layersOf(fields)
  return (module) => {
    const isWanted = wanted(module)
    if (isWanted === undefined) return undefined
    // What a list names in full is taken whatever its layer.
    const isNamed = Array.isArray(fields.target_modules) && fields.target_modules.includes(module)
    return isWanted && (isNamed || layers(module)) && excluded(module) !== true
  }
}

/** A list of names, each of which may be the end of a whole one; or an expression for whole names. */
function namesOf(fields: Fields, field: string): Names {
  const value = fields[field] ?? undefined
  if (value === undefined) return () => undefined
  if (typeof value === 'string') {
    if (value.toLowerCase() === 'all-linear') return (module) => !module.endsWith('lm_head')
    const expression = expressionOf(`^(?:${value})$`)
    // What cannot be read is not checked: the file holds what was trained.
    return (module) => expression?.test(module)
  }
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) {
    throw new ConfigError(field, value, 'must be a list of names, or a regular expression')
  }
  return (module) => value.some((name) => module === name || module.endsWith(`.${name}`))
}

/** An expression names its layers itself, so that PEFT reads this field with a list of names only. */
function layersOf(fields: Fields): (module: string) => boolean {
  const value = fields.layers_to_transform ?? []
  const layers: unknown[] = Array.isArray(value) ? value : [value]
  if (!layers.every((layer) => Number.isInteger(layer))) {
    throw new ConfigError('layers_to_transform', value, 'must be a list of layers')
  }
  if (layers.length === 0 || typeof fields.target_modules === 'string') return () => true
  return (module) => layers.includes(Number(/^.*?\.[^.]*\.(\d+)\./.exec(module)?.[1] ?? Number.NaN))
}
