/** What a quantization_config says and is not implemented is refused by the name of its field. */
import { expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { parseQuantization } from '../../src/model/quantization-hf.ts'

const GROUP = { weights: { num_bits: 4, type: 'int', strategy: 'group', group_size: 128, symmetric: true } }
const packed = (change: object, group: object = {}) => ({
  quant_method: 'compressed-tensors',
  format: 'pack-quantized',
  config_groups: { group_0: { ...GROUP, ...group } },
  ...change,
})
const AWQ = { quant_method: 'awq', bits: 4, version: 'gemm', zero_point: true }

test.each<[string, object]>([
  ['quant_method', { quant_method: 'bitsandbytes', load_in_4bit: true }],
  ['quant_method', { bits: 4 }],
  ['fmt', { quant_method: 'fp8', fmt: 'e5m2' }],
  ['activation_scheme', { quant_method: 'fp8', activation_scheme: 'block' }],
  ['weight_block_size', { quant_method: 'fp8', weight_block_size: [128, 100] }],
  ['weight_block_size', { quant_method: 'fp8', weight_block_size: 128 }],
  ['kv_cache_scheme', { quant_method: 'fp8', kv_cache_scheme: { num_bits: 8 } }],
  ['bits', { ...AWQ, bits: 3 }],
  ['version', { ...AWQ, version: 'gemv' }],
  ['format', { quant_method: 'awq', bits: 4, format: 'gemv_fast' }],
  ['zero_point', { ...AWQ, zero_point: false }],
  ['backend', { ...AWQ, backend: 'llm-awq' }],
  ['bits', { quant_method: 'gptq', bits: 3 }],
  ['checkpoint_format', { quant_method: 'gptq', bits: 4, checkpoint_format: 'marlin' }],
  ['is_marlin_format', { quant_method: 'gptq', bits: 4, is_marlin_format: true }],
  ['group_size', { quant_method: 'gptq', bits: 4, group_size: 0 }],
  ['sym', { quant_method: 'gptq', bits: 4, sym: 'yes' }],
  ['format', packed({ format: 'nvfp4-pack-quantized' })],
  ['kv_cache_scheme', packed({ kv_cache_scheme: { num_bits: 8, type: 'float' } })],
  ['sparsity_config.format', packed({ sparsity_config: { format: 'sparse-24-bitmask' } })],
  ['transform_config', packed({ transform_config: { config_groups: {} } })],
  ['config_groups.group_0.input_activations', packed({}, { input_activations: 'static' })],
  ['config_groups.group_0.format', packed({}, { format: 'nvfp4-pack-quantized' })],
  ['config_groups.group_0.output_activations', packed({}, { output_activations: { num_bits: 8 } })],
  ['config_groups.group_0.weights.num_bits', packed({}, { weights: { ...GROUP.weights, num_bits: 2 } })],
  ['config_groups.group_0.weights.type', packed({}, { weights: { ...GROUP.weights, type: 'complex' } })],
  ['config_groups.group_0.weights.num_bits', packed({}, { weights: { ...GROUP.weights, type: 'float', num_bits: 4 } })],
  ['config_groups.group_0.weights.strategy', packed({}, { weights: { ...GROUP.weights, strategy: 'tensor_group' } })],
  ['config_groups.group_0.weights.block_structure', packed({}, { weights: { ...GROUP.weights, strategy: 'block' } })],
  ['config_groups.group_0.weights', packed({}, { weights: null })],
])('%s of %j', (field, quantization_config) => {
  const run = () => parseQuantization({ quantization_config }, () => {})
  expect(run).toThrow(ConfigError)
  expect(run).toThrow(`"quantization_config.${field}"`)
})

test('what is implemented is understood', () => {
  const parse = (quantization_config: object | null) => parseQuantization({ quantization_config }, () => {})
  expect(parse(null)).toBeUndefined()
  expect(parse({ ...AWQ, version: 'GEMM', group_size: 64 })).toMatchObject({ method: 'awq', groupSize: 64, zero: 0 })
  expect(parse({ quant_method: 'gptq', bits: 8, group_size: -1 })).toMatchObject({ groupSize: undefined, zero: 1 })
  expect(parse({ quant_method: 'gptq', bits: 4, checkpoint_format: 'gptq_v2' })).toMatchObject({ zero: 0 })
  expect(parse({ quant_method: 'fp8', weight_block_size: [128, 64] })).toMatchObject({ blockSize: [128, 64] })
  expect(parse(packed({ sparsity_config: { format: 'dense' }, transform_config: {} }))).toMatchObject({
    method: 'compressed-tensors',
  })
  const blocks = { ...GROUP.weights, type: 'float', num_bits: 8, strategy: 'block', block_structure: '128x128' }
  expect(parse(packed({ format: 'float-quantized' }, { weights: blocks }))).toMatchObject({ blockSize: [128, 128] })
})
