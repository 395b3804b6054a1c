/** `quantization_config` of Hugging Face checkpoints: what it says of the weights, and what of it is refused. */
import { ConfigError } from '../errors.ts'
import { asObject, type Fields, type Note } from './hf-classes.ts'

/** How the quantized matrices of a folder are stored. Which they are, the tensors say. */
export interface Quantization {
  readonly method: 'fp8' | 'awq' | 'gptq' | 'compressed-tensors'
  /** Inputs that share a scale; undefined where the whole row does, or where the tensors alone say it. */
  readonly groupSize: number | undefined
  /** [outputs, inputs] that share a scale; undefined where all do. */
  readonly blockSize: readonly [number, number] | undefined
  /** What is added to stored zero points. */
  readonly zero: number
}

const ORIGINAL = "take the model's original weights, which weights: 'q4' quantizes while they load, or a GGUF"
const PLAIN = { groupSize: undefined, blockSize: undefined, zero: 0 } as const
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
  note(`${said} has no effect: weights stay at 8 bits, activations are not quantized`)
}

function parseFp8(fields: Fields, note: Note): Quantization {
  only(fields, 'fmt', ['e4m3'])
  only(fields, 'activation_scheme', ['static', 'dynamic'])
  only(fields, 'kv_cache_scheme', [])
  only(fields, 'scale_fmt', ['float'])
  if (fields.activation_scheme != null) noteActivations('activation_scheme', fields.activation_scheme, note)
  const size = fields.weight_block_size
  if (size == null) return { ...PLAIN, method: 'fp8' }
  const isPair = Array.isArray(size) && size.length === 2 && size.every((n) => Number.isSafeInteger(n) && n > 0)
  if (!isPair || size[1] % 32 !== 0) {
    const why = 'must be two numbers, outputs and inputs, of which the second is a multiple of 32'
    throw new ConfigError('quantization_config.weight_block_size', size, why)
  }
  return { ...PLAIN, method: 'fp8', blockSize: [size[0], size[1]] }
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

function parseCompressed(fields: Fields): Quantization {
  only(fields, 'format', ['pack-quantized'])
  only(fields, 'kv_cache_scheme', [])
  only(fields, 'quantization_status', ['compressed', 'frozen'])
  const sparsity = fields.sparsity_config
  if (sparsity != null) {
    const { format } = asObject('quantization_config.sparsity_config', sparsity)
    only({ 'sparsity_config.format': format }, 'sparsity_config.format', ['dense'])
  }
  const transform = fields.transform_config
  if (transform != null && Object.keys(asObject('quantization_config.transform_config', transform)).length > 0) {
    only(fields, 'transform_config', [])
  }
  const groups = asObject('quantization_config.config_groups', fields.config_groups ?? {})
  for (const [name, group] of Object.entries(groups)) checkGroup(`config_groups.${name}`, group)
  return { ...PLAIN, method: 'compressed-tensors' }
}

function checkGroup(path: string, value: unknown): void {
  const group = asObject(`quantization_config.${path}`, value)
  for (const name of ['input_activations', 'output_activations']) {
    only({ [`${path}.${name}`]: group[name] }, `${path}.${name}`, [])
  }
  only({ [`${path}.format`]: group.format }, `${path}.format`, ['pack-quantized'])
  const weights = asObject(`quantization_config.${path}.weights`, group.weights)
  const check = (name: string, allowed: readonly unknown[]) => {
    only({ [`${path}.weights.${name}`]: weights[name] }, `${path}.weights.${name}`, allowed)
  }
  check('num_bits', [4, 8])
  check('type', ['int'])
  check('strategy', ['group', 'channel', 'tensor'])
  check('dynamic', [false])
}
