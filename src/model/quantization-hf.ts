/** `quantization_config` of Hugging Face checkpoints: what it says of the weights, and what of it is refused. */
import { show } from '../errors/show.ts'
import { ConfigError } from '../errors.ts'
import { asObject, type Fields, type Note } from './hf-classes.ts'

/** How the quantized matrices of a folder are stored. Which they are, the tensors say. */
export interface Quantization {
  readonly method: 'fp8' | 'awq' | 'gptq' | 'compressed-tensors'
  /** Inputs that share a scale; undefined where the whole row does, or where the tensors alone say it. */
  readonly groupSize: number | undefined
  /**
   * compressed-tensors: each size of groups that the config names, of which a tensor has the one that fits its scales.
   * Infinity is a whole row; none where the config says nothing.
   */
  readonly groupSizes: readonly number[]
  /** [outputs, inputs] that share a scale; undefined where all do. */
  readonly blockSize: readonly [number, number] | undefined
  /** What is added to stored zero points. */
  readonly zero: number
}

const ORIGINAL = "take the model's original weights, which weights: 'q4' quantizes while they load, or a GGUF"
const NO_EFFECT = 'has no effect: weights stay at 8 bits, activations are not quantized'
const PLAIN = { groupSize: undefined, groupSizes: [], blockSize: undefined, zero: 0 } as const
const METHODS: Readonly<Record<Quantization['method'], (fields: Fields, note: Note) => Quantization>> = {
  fp8: parseFp8,
  awq: parseAwq,
  gptq: parseGptq,
  'compressed-tensors': parseCompressed,
}

/**
 * @param config the parsed `config.json`
 * @param note hears of what has no effect
 * @throws ConfigError naming the field, for what is not implemented
 */
export function parseQuantization(config: unknown, note: Note): Quantization | undefined {
  const given = (config as Fields).quantization_config
  if (given == null) return undefined
  const fields = asObject('quantization_config', given)
  const method = fields.quant_method
  if (typeof method !== 'string' || !Object.hasOwn(METHODS, method)) {
    const known = Object.keys(METHODS).join(', ')
    throw new ConfigError('quantization_config.quant_method', method, `is not supported; ${known} are; ${ORIGINAL}`)
  }
  return METHODS[method as Quantization['method']](fields, note)
}

/** @throws ConfigError unless the field is absent, null, or one of these */
function only(fields: Fields, name: string, allowed: readonly unknown[]): void {
  const value = fields[name]
  if (value == null || allowed.includes(value)) return
  const known = allowed.map((item) => JSON.stringify(item)).join(' and ')
  throw new ConfigError(`quantization_config.${name}`, value, `is not supported; ${known} is; ${ORIGINAL}`)
}

function groupSize(fields: Fields): number | undefined {
  const value = fields.group_size ?? 128
  if (value === -1) return undefined
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new ConfigError('quantization_config.group_size', value, 'must be a number of inputs, or -1 for all of a row')
  }
  return value as number
}

function noteActivations(name: string, value: unknown, note: Note): void {
  const said = `config.json: quantization_config.${name} (${JSON.stringify(value)?.slice(0, 80)})`
  note(`${said} ${NO_EFFECT}`)
}

function parseFp8(fields: Fields, note: Note): Quantization {
  only(fields, 'fmt', ['e4m3'])
  only(fields, 'activation_scheme', ['static', 'dynamic'])
  only(fields, 'kv_cache_scheme', [])
  only(fields, 'scale_fmt', ['float'])
  if (fields.activation_scheme != null) noteActivations('activation_scheme', fields.activation_scheme, note)
  const size = fields.weight_block_size
  if (size == null) return { ...PLAIN, method: 'fp8' }
  return { ...PLAIN, method: 'fp8', blockSize: blockPair('quantization_config.weight_block_size', size) }
}

function parseAwq(fields: Fields): Quantization {
  only(fields, 'bits', [4])
  // transformers 5 calls the version a format.
  for (const name of ['version', 'format']) {
    const value = fields[name]
    only({ [name]: typeof value === 'string' ? value.toLowerCase() : value }, name, ['gemm'])
  }
  only(fields, 'zero_point', [true])
  only(fields, 'backend', ['autoawq', 'auto'])
  return { ...PLAIN, method: 'awq', groupSize: groupSize(fields) }
}

function parseGptq(fields: Fields): Quantization {
  only(fields, 'bits', [4, 8])
  only(fields, 'checkpoint_format', ['gptq', 'gptq_v2'])
  only(fields, 'format', ['gptq', 'gptq_v2'])
  only(fields, 'is_marlin_format', [false])
  only(fields, 'pack_dtype', ['int32'])
  for (const name of ['sym', 'desc_act']) only(fields, name, [true, false])
  // The first version stores zero points less one.
  const zero = (fields.checkpoint_format ?? fields.format) === 'gptq_v2' ? 0 : 1
  return { ...PLAIN, method: 'gptq', groupSize: groupSize(fields), zero }
}

/** What stores one weight in a byte, or several in a word. */
const PACKINGS = ['pack-quantized', 'float-quantized', 'int-quantized', 'naive-quantized']

function parseCompressed(fields: Fields, note: Note): Quantization {
  only(fields, 'format', [...PACKINGS, 'mixed-precision'])
  only(fields, 'kv_cache_scheme', [])
  only(fields, 'quantization_status', ['compressed', 'frozen'])
  const sparsity = fields.sparsity_config
  if (sparsity != null && Object.keys(asObject('quantization_config.sparsity_config', sparsity)).length > 0) {
    const { format } = sparsity as Fields
    only({ 'sparsity_config.format': format }, 'sparsity_config.format', ['dense'])
  }
  const transform = fields.transform_config
  if (transform != null && Object.keys(asObject('quantization_config.transform_config', transform)).length > 0) {
    only(fields, 'transform_config', [])
  }
  const groups = asObject('quantization_config.config_groups', fields.config_groups ?? {})
  let blockSize: Quantization['blockSize']
  const groupSizes = new Set<number>()
  for (const [name, group] of Object.entries(groups)) {
    const shared = parseGroup(`config_groups.${name}`, group, note)
    if (typeof shared === 'number') groupSizes.add(shared)
    else blockSize = shared
  }
  return { ...PLAIN, method: 'compressed-tensors', groupSizes: [...groupSizes], blockSize }
}

/** Returns the inputs of a row that share a scale, or the blocks that do. */
function parseGroup(path: string, value: unknown, note: Note): number | readonly [number, number] {
  const group = asObject(`quantization_config.${path}`, value)
  only({ [`${path}.output_activations`]: group.output_activations }, `${path}.output_activations`, [])
  only({ [`${path}.format`]: group.format }, `${path}.format`, PACKINGS)
  const activations = group.input_activations
  if (activations != null) {
    const name = `${path}.input_activations`
    const { num_bits: bits, type } = asObject(`quantization_config.${name}`, activations)
    noteActivations(name, { num_bits: bits, type }, note)
  }
  const weights = asObject(`quantization_config.${path}.weights`, group.weights)
  const check = (name: string, allowed: readonly unknown[]) => {
    only({ [`${path}.weights.${name}`]: weights[name] }, `${path}.weights.${name}`, allowed)
  }
  check('type', ['int', 'float'])
  check('num_bits', weights.type === 'float' ? [8] : [4, 8])
  check('strategy', ['group', 'channel', 'tensor', 'block'])
  check('dynamic', [false])
  if (weights.strategy !== 'block') return inputsOfGroup(`quantization_config.${path}.weights`, weights)
  const given = weights.block_structure
  const size: unknown = typeof given === 'string' ? given.split('x').map(Number) : given
  return blockPair(`quantization_config.${path}.weights.block_structure`, size)
}

/** The group size alone says the strategy where none is named. */
function inputsOfGroup(path: string, { strategy, group_size: size }: Fields): number {
  if (strategy !== 'group' && (strategy != null || size == null || size === -1)) return Number.POSITIVE_INFINITY
  if (Number.isSafeInteger(size) && (size as number) > 0) return size as number
  throw new ConfigError(`${path}.group_size`, size, 'must be a number of inputs, since each group of them has a scale')
}

/** @throws ConfigError unless it is a pair of outputs and inputs that kernels can take */
function blockPair(field: string, size: unknown): readonly [number, number] {
  const isPair = Array.isArray(size) && size.length === 2 && size.every((n) => Number.isSafeInteger(n) && n > 0)
  if (isPair && size[1] % 32 === 0) return [size[0], size[1]]
  throw new ConfigError(field, size, 'must be two numbers, outputs and inputs, of which the second is a multiple of 32')
}

/**
 * `quantization` of Mistral's own `params.json`.
 * @throws ConfigError naming the key
 */
export function parseNativeQuantization(given: unknown, note: Note): Quantization | undefined {
  if (given == null) return undefined
  const fields = asObject('quantization', given)
  // The vendor's newest files have the fields of config.json there.
  if (fields.quant_method != null) return parseQuantization({ quantization_config: fields }, note)
  if (fields.qformat_weight !== 'fp8_e4m3') {
    throw new ConfigError(
      'quantization.qformat_weight',
      fields.qformat_weight,
      `is not supported; fp8_e4m3 is; ${ORIGINAL}`,
    )
  }
  const known = ['TENSOR', 'NO_SCALES']
  if (fields.qscheme_act != null && !known.includes(fields.qscheme_act as string)) {
    throw new ConfigError(
      'quantization.qscheme_act',
      fields.qscheme_act,
      `is not supported; ${known.join(' and ')} are`,
    )
  }
  note(`params.json: quantization.qscheme_act (${show(fields.qscheme_act ?? null)}) ${NO_EFFECT}`)
  return { ...PLAIN, method: 'fp8' }
}
