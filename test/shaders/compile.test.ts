/** Every kernel with every filling of its roles is a pipeline on this adapter. */
import { afterAll, describe, expect, test } from 'vitest'
import type { OptionalFeature } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { compose, type ShaderModule, type ShaderPart } from '../../src/gpu/shader.ts'
import * as common from '../../src/gpu/shaders.gen.ts'
import * as attention from '../../src/gpu/shaders-attention.gen.ts'
import * as batch from '../../src/gpu/shaders-batch.gen.ts'
import * as blocks from '../../src/gpu/shaders-blocks.gen.ts'
import * as cache from '../../src/gpu/shaders-cache.gen.ts'
import * as cacheQ8 from '../../src/gpu/shaders-cache-q8.gen.ts'
import * as copies from '../../src/gpu/shaders-copy.gen.ts'
import * as digest from '../../src/gpu/shaders-digest.gen.ts'
import * as draw from '../../src/gpu/shaders-draw.gen.ts'
import * as gpuKernels from '../../src/gpu/shaders-gpu.gen.ts'
import * as lanes from '../../src/gpu/shaders-lanes.gen.ts'
import * as logprobs from '../../src/gpu/shaders-logprobs.gen.ts'
import * as lora from '../../src/gpu/shaders-lora.gen.ts'
import * as math from '../../src/gpu/shaders-math.gen.ts'
import * as norms from '../../src/gpu/shaders-norms.gen.ts'
import * as rounding from '../../src/gpu/shaders-rounding.gen.ts'
import * as rows from '../../src/gpu/shaders-rows.gen.ts'
import * as rules from '../../src/gpu/shaders-rules.gen.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { requiredConstants } from '../support/shaders.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

/** Values for constants that have no default. A new one must be added here, or its kernel's test fails. */
const CONSTANTS: Readonly<Record<string, number>> = {
  D: 100,
  EACH: 1,
  EPS: 1e-5,
  GROUP_BLOCKS: 1,
  HEAD_DIM: 18,
  HEAD_STRIDE: 20,
  KEYS_PER_SPLIT: 64,
  K_BLOCKS: 3,
  LANES: 4,
  LANES_OF_TILE: 8,
  LATER: 6,
  LIST: 256,
  MASK_WORDS: 3,
  N: 90,
  N_HEADS: 3,
  N_KV_HEADS: 1,
  OUTPUTS: 8,
  POSITIONS: 100,
  QUADS: 23,
  RING: 50,
  ROWS: 64,
  ROPE_FINE: 256,
  ROW_HALVES: 4,
  SCALE: 0.25,
  SCALE_TYPE: 0,
  SQUARES_AT: 3072,
  SQUARES_FROM: 768,
  START_STRIDE: 96,
  STORED: 0,
  STRIDE: 96,
  SINCE: 12,
  COURSES: 40,
  STAGES: 60,
  MOVES: 80,
  SLOTS: 100,
  SPAN: 1,
  STRIDE_QUADS: 24,
  THREADS: 64,
  UNIFORM_QUADS: 23,
  UNPACKED_AT: 160,
  V: 90,
  VALUES_AT: 600,
  WINDOW: 7,
  WORDS: 6,
  X_QUADS: 25,
  Y_STRIDE: 96,
  ZERO: 8,
  ZEROS_AT: 48,
  ZERO_BITS: 4,
}

const FEATURE_OF: Readonly<Record<string, OptionalFeature>> = {
  f16: 'shader-f16',
  subgroups: 'subgroups',
  chromium_experimental_subgroup_matrix: 'chromium-experimental-subgroup-matrix',
}

/** The others are numbers of the shaders for TypeScript. */
const all = [
  common,
  attention,
  batch,
  blocks,
  cache,
  cacheQ8,
  copies,
  digest,
  rounding,
  draw,
  gpuKernels,
  lanes,
  logprobs,
  lora,
  math,
  norms,
  rows,
  rules,
].flatMap((file) => Object.values<ShaderModule | Readonly<Record<string, number>>>(file))
const files = all.filter((value): value is ShaderModule => 'code' in value)
const modules = files.filter(({ enables = [] }) => enables.every((name) => gpu.has(FEATURE_OF[name]!)))
const kernels = modules.filter((module) => module.provides === undefined)

/** All ways to fill roles, the roles that the fillings need in turn included. */
function fillings(roles: readonly string[]): ShaderModule[][] {
  const [role, ...others] = roles
  if (role === undefined) return [[]]
  return modules
    .filter((module) => module.provides === role)
    .flatMap((module) => fillings([...(module.needs ?? []), ...others]).map((rest) => [module, ...rest]))
}

function partsOf(files: readonly ShaderModule[]): ShaderPart[] {
  return files.map((module) => {
    const required = requiredConstants(module)
    const constants = required.map((name) => {
      if (CONSTANTS[name] === undefined)
        throw new Error(`${module.name} has a constant ${name} that this test does not know`)
      return [name, CONSTANTS[name]]
    })
    return { module, bindings: {}, constants: Object.fromEntries(constants) }
  })
}

/** The plainest filling of each role. */
const PLAIN = new Set([
  'weights_f32',
  'rows_q4',
  'products_four',
  'share_none',
  'sampler_settings',
  'sampler_math',
  'draw_rules',
  'draw_bins',
  'scale_one',
  'start_zero',
  'emit_store',
  'lane_sum_workgroup',
  'cache_write_f32',
  'cache_read_f32',
  'cache_pairs_f32',
  'tile_max_workgroup',
  'unpack',
  'groups',
  'tile_f32',
  'tile_emit',
])

/** How many of these files are not the plainest for their role. */
function otherThanPlain(files: readonly ShaderModule[]): number {
  return files.filter(({ provides, name }) => provides !== undefined && !PLAIN.has(name)).length
}

/** Parts meet only in the functions of their roles: each pair of them stands for all fillings that have it. */
function isWorthWhile(files: readonly ShaderModule[]): boolean {
  const reads = files[0]!.needs?.some((role) => ['weights', 'rows', 'tile'].includes(role))
  return reads !== true || otherThanPlain(files) <= 2
}

/** Software adapters compile for seconds: there a part is compiled with the plainest others alone. */
function worthCompiling(files: readonly ShaderModule[]): boolean {
  if (!gpu.software) return true
  const names = files.map((file) => file.name)
  if (!files.some(({ provides }) => provides === 'emit')) return otherThanPlain(files) <= 2
  if (/^matmul_(?:tile|matrix)$/.test(files[0]!.name)) return worthCompilingTiles(files)
  if (names.includes('rows_blocks')) return otherThanPlain(files) === 2 && names.includes('block_q4_k')
  if (names.includes('weights_blocks')) return files[0]!.name === 'matmul_vec' && otherThanPlain(files) === 2
  return otherThanPlain(files) <= 1
}

/** Tiles take longest; those that round, and those of matrix units, differ in what they keep, and not in what they read. */
function worthCompilingTiles(files: readonly ShaderModule[]): boolean {
  const reader = files.find(({ provides = '' }) => ['weights', 'quants'].includes(provides))!
  if (files.some(({ name }) => name === 'tile_f32')) return otherThanPlain(files) <= 1 && /_(f32|q4)$/.test(reader.name)
  const others = files.filter((file) => file !== reader && file.provides !== 'tile')
  return /_q4$/.test(reader.name) && otherThanPlain(others) === 0
}

describe.each(kernels.map((kernel) => ({ kernel, name: kernel.name })))('$name', ({ kernel }) => {
  const all = fillings(kernel.needs ?? [])
    .map((parts) => [kernel, ...parts])
    .filter(isWorthWhile)

  test('is valid WGSL with each filling of its roles', async () => {
    expect(all.length).toBeGreaterThan(0)
    for (const files of all) {
      const module = gpu.device.createShaderModule({ code: compose(partsOf(files)) })
      const { messages } = await module.getCompilationInfo()
      const errors = messages.filter(({ type }) => type === 'error').map(({ message }) => message)
      expect(errors, files.map((file) => file.name).join(' + ')).toEqual([])
    }
  })

  test(
    'gives pipelines, with the bindings that the files declare',
    async () => {
      const chosen = all.filter(worthCompiling)
      expect(chosen.length).toBeGreaterThan(0)
      for (const files of chosen) {
        await expect(
          gpu.pipelines.pipeline(partsOf(files)),
          files.map((file) => file.name).join(' + '),
        ).resolves.toBeDefined()
      }
      gpu.check()
    },
    patience(120_000),
  )
})

test('the kernels of absent features are left out, and no others', () => {
  const count = files.length
  expect(modules.length).toBe(
    count -
      (gpu.has('shader-f16') ? 0 : 3) -
      (gpu.has('subgroups') ? 0 : 6) -
      (gpu.has('chromium-experimental-subgroup-matrix') ? 0 : 1),
  )
})
