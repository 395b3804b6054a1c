/** How large what a model works in becomes: the options that say it, checked, and the buffers that follow from them. */
import { type Check, checkParameter, integer, oneOf, orElse } from '../checks.ts'
import { ConfigError } from '../errors.ts'
import type { Gpu } from '../gpu/device.ts'
import { type LayerCache, MAX_HEAD_DIM } from '../kernels/attention.ts'
import { CACHE_LAYOUTS, type CacheLayout } from '../kernels/cache-layouts.ts'
import { DECODE_ROWS } from '../kernels/shape.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import { createCache } from './kv-cache.ts'
import type { Mistral } from './mistral.ts'
import { ropePositions } from './rope.ts'
import { MAX_IN_FLIGHT, MAX_STEPS, Runner } from './runner.ts'
import { type ContextLimit, type SizeOptions, WEIGHTS_OPTIONS } from './size-types.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

export interface Sizes {
  readonly contextLength: number
  readonly contextLimit: ContextLimit
  readonly chunk: number
  readonly maxSequences: number
  readonly positions: number
  /** Ids below this may be chosen. */
  readonly vocabSize: number
}

/** The context that every model gets by itself, if it was trained for so many positions and the device holds them. */
export const USUAL_CONTEXT = 4096
const DEFAULT_CHUNK = 256
/** Positions that a sequence may reach when every layer has a window, so that no key of a distant past is needed. */
const WINDOWED_POSITIONS = 131072
/** Of a checkpoint above this size what it will take is known before its weights are fetched. */
const LARGE_BYTES = 256 << 20

const bytesOfMemory: Check = integer(1, Number.MAX_SAFE_INTEGER, 'a number of bytes,')

/** Checks the options that set sizes. Throws `ParameterError`. With `'auto'` the context is the usual one. */
export function planSizes(config: ModelConfig, options: SizeOptions): Sizes {
  if (config.headDim > MAX_HEAD_DIM) {
    throw new ConfigError('head_dim', config.headDim, `the attention kernel takes at most ${MAX_HEAD_DIM}`)
  }
  checkParameter('weights', options.weights, orElse(undefined, oneOf(...WEIGHTS_OPTIONS)))
  checkParameter('kvCache', options.kvCache, orElse(undefined, oneOf('auto', ...Object.keys(CACHE_LAYOUTS))))
  checkParameter('maxMemory', options.maxMemory, orElse(undefined, bytesOfMemory))
  const trained = config.maxPositions
  const isAuto = isAutoContext(options)
  const contextLength = isAuto ? Math.min(trained, USUAL_CONTEXT) : options.contextLength
  checkParameter('contextLength', contextLength, integer(1, trained))
  const context = contextLength as number
  const maxSequences = options.maxSequences ?? 1
  checkParameter('maxSequences', maxSequences, integer(1, 1024))
  const chunk = options.prefillChunk ?? DEFAULT_CHUNK
  checkParameter('prefillChunk', chunk, integer(1, 8192))
  // Whoever asks for less context than the window wants a smaller cache, which then is the limit.
  const windowed = config.slidingWindows.every((window) => window !== undefined && window <= context)
  const endless = Math.min(Math.max(WINDOWED_POSITIONS, trained), ropePositions(config))
  return {
    contextLength: context,
    contextLimit: context === trained ? 'model' : isAuto ? 'default' : 'option',
    maxSequences,
    chunk: Math.min(chunk, context),
    positions: windowed ? Math.max(context, endless) : context,
    vocabSize: config.vocabSize,
  }
}

export function isAutoContext({ contextLength }: SizeOptions): boolean {
  return contextLength === undefined || contextLength === 'auto'
}

/** Whether what a load takes has to be counted before: small models of a short context fit every device as they are. */
export function needsCounting(gpu: Gpu, { config, totalBytes }: Checkpoint, options: SizeOptions): boolean {
  const { nKvHeads, headDim, maxPositions } = config
  const layerBytes = (options.maxSequences ?? 1) * nKvHeads * CACHE_LAYOUTS.f32.bytesPerKey(headDim) * 2 * maxPositions
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.limits
  const isLarge = totalBytes > LARGE_BYTES || layerBytes > Math.min(maxBufferSize, maxStorageBufferBindingSize)
  return isLarge || options.maxMemory !== undefined || (isAutoContext(options) && maxPositions > USUAL_CONTEXT)
}

/** What a model works in besides its weights. */
export interface State {
  readonly cache: LayerCache[]
  readonly workspace: Workspace
}

/** Allocates cache and workspace. Throws `MemoryError`. */
export function createState(gpu: Gpu, config: ModelConfig, sizes: Sizes, kvCache: SizeOptions['kvCache']): State {
  const layout = cacheLayout(gpu, kvCache)
  return {
    cache: createCache(gpu, config, {
      ...sizes,
      layout,
      chunk: Math.max(sizes.chunk, MAX_IN_FLIGHT * MAX_STEPS),
    }),
    workspace: createWorkspace(gpu, config, { ...sizes, layout, maxRows: rowsOf(sizes), maxOutputs: DECODE_ROWS }),
  }
}

/** Allocates what brings results back. Throws `MemoryError`. */
export function createRunner(model: Mistral, sizes: Sizes): Runner {
  return new Runner(model, rowsOf(sizes), DECODE_ROWS)
}

/** Rows of one batch at most. */
function rowsOf({ chunk }: Sizes): number {
  return Math.max(chunk, DECODE_ROWS)
}

/** The layout of the cache that the option asks for on this device. */
export function cacheLayout(gpu: Gpu, option: SizeOptions['kvCache'] = 'auto'): CacheLayout {
  if (option !== 'auto') return CACHE_LAYOUTS[option]
  return gpu.has('shader-f16') ? CACHE_LAYOUTS.f16 : CACHE_LAYOUTS.f32
}
