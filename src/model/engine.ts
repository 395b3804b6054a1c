import { ConfigError, ParameterError, throwIfAborted } from '../errors.ts'
import { Gpu } from '../gpu/device.ts'
import { type LayerCache, MAX_HEAD_DIM } from '../kernels/attention.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import { createCache } from './kv-cache.ts'
import { createWorkspace, Mistral, type ModelWeights } from './mistral.ts'
import { ropeTable } from './rope.ts'
import { Runner } from './runner.ts'
import { loadWeights, type WeightsOption } from './weights.ts'

/** What loading tells its caller, over and over. */
export interface LoadProgress {
  /** `open` reads headers, `weights` brings tensors to the GPU, `compile` makes pipelines, `ready` ends it. */
  readonly phase: 'open' | 'weights' | 'compile' | 'ready'
  /** Bytes of weights on the GPU so far. */
  readonly loaded: number
  /** Bytes of weights in the checkpoint; 0 while that is not known. */
  readonly total: number
  /** The tensor that was just read, under the name it has in the file. */
  readonly tensor: string | undefined
}

export interface EngineOptions {
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
  /** `'native'` (default) keeps the checkpoint's types; `'q8'` and `'q4'` quantize in blocks of 32 while loading. */
  weights?: WeightsOption | undefined
  /** Type of the key/value cache. `'auto'` (default) is f16 where the device has `shader-f16`, f32 elsewhere. */
  kvCache?: 'auto' | 'f16' | 'f32' | undefined
  /** Positions of one sequence, prompt and answer together. Default: what the model was trained for, at most 4096. */
  contextLength?: number | undefined
  /** Sequences that the cache keeps side by side. Default 1. */
  maxSequences?: number | undefined
  /** Rows of the prompt that are computed at a time. Default 256. */
  prefillChunk?: number | undefined
  /** Overrides the checkpoint's sliding window; null is full attention. A GGUF of Mistral 7B v0.1 does not carry its own. */
  slidingWindow?: number | null | undefined
  /** WebGPU features to do without, for example `['shader-f16']`. */
  disableFeatures?: readonly string[] | undefined
}

const DEFAULT_CONTEXT = 4096
const DEFAULT_CHUNK = 256
/** Rows whose logits can be asked for in one batch. */
const MAX_OUTPUTS = 32

/** A loaded model on a device: weights, cache, and the runner of its forward pass. */
export class Engine {
  private constructor(
    readonly gpu: Gpu,
    readonly config: ModelConfig,
    readonly weights: ModelWeights,
    readonly cache: readonly LayerCache[],
    readonly runner: Runner,
    readonly contextLength: number,
    readonly maxSequences: number,
    /** Rows of one sequence in one batch at most. */
    readonly chunk: number,
  ) {}

  /**
   * Brings a checkpoint to the GPU; it stays open for the caller to close. Throws `CheckpointError`, `ConfigError`,
   * `ParameterError`, `DeviceError`, `MemoryError`, `AbortError`; nothing is left on the GPU then.
   */
  static async load(checkpoint: Checkpoint, options: EngineOptions = {}): Promise<Engine> {
    throwIfAborted(options.signal)
    const sizes = planSizes(checkpoint.config, options)
    report(options, 'open', 0, checkpoint.totalBytes)
    const gpu = await Gpu.open({ disableFeatures: options.disableFeatures })
    try {
      return await Engine.build(gpu, checkpoint, sizes, options)
    } catch (error) {
      gpu.dispose()
      throw error
    }
  }

  private static async build(gpu: Gpu, checkpoint: Checkpoint, sizes: Sizes, options: EngineOptions): Promise<Engine> {
    const { config, totalBytes } = checkpoint
    const { signal, weights: dtype = 'native' } = options
    throwIfAborted(signal)
    const maxRows = Math.max(sizes.chunk, MAX_OUTPUTS)
    const rope = ropeTable(config, sizes.contextLength)
    // Before a byte of weights is fetched: what does not fit should be known at once.
    const { cache, workspace } = await gpu.guard('the key/value cache', async () => ({
      cache: createCache(gpu, config, { ...sizes, dtype: cacheDtype(gpu, options.kvCache) }),
      workspace: createWorkspace(gpu, config, { maxRows, maxOutputs: MAX_OUTPUTS, rope }),
    }))
    const load = {
      weights: dtype,
      signal,
      onProgress: (loaded: number, tensor: string) => report(options, 'weights', loaded, totalBytes, tensor),
    }
    const weights = await gpu.guard('the model', () => loadWeights(gpu, checkpoint, load))
    report(options, 'compile', totalBytes, totalBytes)
    const model = new Mistral(gpu, config, weights, cache, workspace)
    const runner = new Runner(model, maxRows, MAX_OUTPUTS)
    await runner.warmUp()
    throwIfAborted(signal)
    gpu.check()
    report(options, 'ready', totalBytes, totalBytes)
    return new Engine(gpu, config, weights, cache, runner, sizes.contextLength, sizes.maxSequences, sizes.chunk)
  }

  /** Frees everything on the GPU and lets the process end. Safe to call twice. */
  dispose(): void {
    this.gpu.dispose()
  }
}

interface Sizes {
  readonly contextLength: number
  readonly chunk: number
  readonly maxSequences: number
}

/** Checks the options that set sizes. Throws `ParameterError`. */
function planSizes(config: ModelConfig, options: EngineOptions): Sizes {
  if (config.headDim > MAX_HEAD_DIM) {
    throw new ConfigError('head_dim', config.headDim, `the attention kernel takes at most ${MAX_HEAD_DIM}`)
  }
  checkChoice('weights', options.weights, ['native', 'q8', 'q4'])
  checkChoice('kvCache', options.kvCache, ['auto', 'f16', 'f32'])
  const trained = config.maxPositions
  const contextLength = options.contextLength ?? Math.min(trained, DEFAULT_CONTEXT)
  checkInteger('contextLength', contextLength, 1, trained)
  const maxSequences = options.maxSequences ?? 1
  checkInteger('maxSequences', maxSequences, 1, 1024)
  const chunk = options.prefillChunk ?? DEFAULT_CHUNK
  checkInteger('prefillChunk', chunk, 1, 8192)
  return { contextLength, maxSequences, chunk: Math.min(chunk, contextLength) }
}

function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw new ParameterError(name, value, `must be an integer from ${min} to ${max}`)
  }
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value as string)) {
    throw new ParameterError(name, value, `must be one of ${choices.join(', ')}`)
  }
}

function cacheDtype(gpu: Gpu, option: EngineOptions['kvCache'] = 'auto'): 'f16' | 'f32' {
  if (option !== 'auto') return option
  return gpu.has('shader-f16') ? 'f16' : 'f32'
}

function report(
  { onProgress }: EngineOptions,
  phase: LoadProgress['phase'],
  loaded: number,
  total: number,
  tensor?: string,
): void {
  onProgress?.({ phase, loaded, total, tensor })
}
