/** A checkpoint on the GPU: sizes are planned, buffers made, weights loaded, pipelines compiled. */
import { throwIfAborted } from '../async/abort.ts'
import { checkParameter, integer, oneOf, orElse } from '../checks.ts'
import { ConfigError } from '../errors.ts'
import type { Gpu } from '../gpu/device.ts'
import { openGpu } from '../gpu/open.ts'
import type { BatchProfile } from '../gpu/profiler.ts'
import { type LayerCache, MAX_HEAD_DIM } from '../kernels/attention.ts'
import { CACHE_LAYOUTS, type CacheLayout } from '../kernels/cache-layouts.ts'
import type { SamplerKind } from '../kernels/sampler.ts'
import { DECODE_ROWS } from '../kernels/shape.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Checkpoint } from './checkpoint.ts'
import { chooseKernels, givenKernels } from './choose-kernels.ts'
import type { ModelConfig } from './config.ts'
import type { HiddenReader } from './hidden-reader.ts'
import type { ChoiceHooks } from './kernel-choice.ts'
import type { KernelReport, SelfTestOption, TuningOption } from './kernel-report.ts'
import { createCache } from './kv-cache.ts'
import type { LoadProgress, LoadStep } from './load-progress.ts'
import type { ModelMemory } from './memory.ts'
import { Mistral, type ModelWeights } from './mistral.ts'
import { Recordings } from './recordings.ts'
import { ropePositions } from './rope.ts'
import { MAX_IN_FLIGHT, MAX_STEPS, Runner } from './runner.ts'
import type { TextScorer } from './text-scorer.ts'
import { type LoadedWeights, loadWeights, WEIGHTS_OPTIONS, type WeightsOption } from './weights.ts'
import { createWorkspace } from './workspace.ts'

export interface LoadedModelOptions {
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AnyAbortSignal | undefined
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
  /** How the kernels are chosen that compute the model. Default `'auto'`. */
  tuning?: TuningOption | undefined
  /** When the GPU is made to compute what is known, before weights are fetched. Default `'once'`. */
  selfTest?: SelfTestOption | undefined
  /**
   * Gets the time of every dispatch, batch by batch; `chromeTrace` makes a file of them. Each dispatch is a pass of its own
   * then, which takes longer. Needs the feature `timestamp-query`.
   */
  onProfile?: ((profile: BatchProfile) => void) | undefined
  /** @internal For tests of the choice of kernels. */
  kernelHooks?: ChoiceHooks | undefined
  /** @internal Tells `onProgress`, with speeds. */
  report?: ((step: LoadStep) => void) | undefined
  /** @internal What the only request draws with: what its first token does not take compiles later. */
  firstSampler?: SamplerKind | undefined
}

const DEFAULT_CONTEXT = 4096
const DEFAULT_CHUNK = 256
/** Positions that a sequence may reach when every layer has a window, so that no key of a distant past is needed. */
const WINDOWED_POSITIONS = 131072

/** A loaded model on a device: weights, cache, and the runner of its forward pass. */
export class LoadedModel {
  readonly gpu: Gpu
  readonly config: ModelConfig
  readonly weights: LoadedWeights
  readonly cache: readonly LayerCache[]
  readonly runner: Runner
  /** Notes on the checkpoint for the user, one sentence each. */
  readonly notes: readonly string[]
  /** Which kernels it computes with, and why. */
  readonly kernels: KernelReport
  private readonly sizes: Sizes
  private scorer: Promise<TextScorer> | undefined
  private reader: Promise<HiddenReader> | undefined

  private constructor(
    parts: Pick<LoadedModel, Part>,
    sizes: Sizes,
    /** Bytes of the tensors that the weights were made from. */
    private readonly tensorBytes: number,
    private readonly memoryOf: typeof import('./memory.ts').memoryOf,
  ) {
    this.gpu = parts.gpu
    this.config = parts.config
    this.weights = parts.weights
    this.cache = parts.cache
    this.runner = parts.runner
    this.notes = parts.notes
    this.kernels = parts.kernels
    this.sizes = sizes
  }

  get contextLength(): number {
    return this.sizes.contextLength
  }

  get maxSequences(): number {
    return this.sizes.maxSequences
  }

  /** The most rows of one sequence in one batch. */
  get chunk(): number {
    return this.sizes.chunk
  }

  /** Positions that a sequence may reach while it generates: beyond the context where every layer has a window. */
  get positions(): number {
    return this.sizes.positions
  }

  /** What limits the context: the model, the option `contextLength`, or the default of a model made for more. */
  get contextLimit(): 'model' | 'option' | 'default' {
    return this.sizes.contextLimit
  }

  /** What the model takes of the GPU's memory at the moment. */
  memory(): ModelMemory {
    const { weights, cache, runner, maxSequences, tensorBytes: tensors } = this
    return this.memoryOf(weights, cache, {
      tensors,
      maxSequences,
      adapters: runner.adapterBytes,
      total: this.gpu.counters.bytesAlive,
    })
  }

  /** Ids below this may be chosen. */
  get vocabSize(): number {
    return this.sizes.vocabSize
  }

  /**
   * Brings a checkpoint to the GPU; it stays open for the caller to close. `vocabSize`: ids of the tokenizer, when the
   * model has more logits than that. Throws `CheckpointError`, `ConfigError`,
   * `ParameterError`, `DeviceError`, `MemoryError`, `AbortError`; nothing is left on the GPU then.
   */
  static async load(
    checkpoint: Checkpoint,
    options: LoadedModelOptions = {},
    vocabSize?: number,
  ): Promise<LoadedModel> {
    throwIfAborted(options.signal)
    const sizes = planSizes(checkpoint.config, options, vocabSize)
    options.report?.({ phase: 'open', loaded: 0, total: checkpoint.totalBytes })
    const gpu = await openGpu({ disableFeatures: options.disableFeatures, tuning: givenKernels(options.tuning) })
    try {
      return await LoadedModel.build(gpu, checkpoint, sizes, options)
    } catch (error) {
      gpu.dispose()
      throw error
    }
  }

  private static async build(
    opened: Gpu,
    checkpoint: Checkpoint,
    sizes: Sizes,
    options: LoadedModelOptions,
  ): Promise<LoadedModel> {
    const { config, totalBytes } = checkpoint
    const { signal, weights: dtype = 'native', report = () => {} } = options
    throwIfAborted(signal)
    const choice = await chooseKernels(opened, checkpoint, { ...options, hooks: options.kernelHooks })
    let { gpu } = choice
    const maxRows = Math.max(sizes.chunk, DECODE_ROWS)
    // Before a byte of weights is fetched: what does not fit should be known at once.
    const { cache, workspace } = await gpu.guard('the key/value cache', async () => ({
      cache: createCache(gpu, config, {
        ...sizes,
        layout: cacheLayout(gpu, options.kvCache),
        chunk: Math.max(sizes.chunk, MAX_IN_FLIGHT * MAX_STEPS),
      }),
      workspace: createWorkspace(gpu, config, { ...sizes, maxRows, maxOutputs: DECODE_ROWS }),
    }))
    const notes = [...checkpoint.notes]
    // The compilers of software adapters do one shader at a time: they begin before the weights are there.
    const { firstSampler } = options
    const warmUpEarly = (weights: ModelWeights) => {
      const model = new Mistral(gpu, config, weights, cache, workspace)
      void new Recordings(model).warmUpEarly(firstSampler ?? 'greedy')
    }
    const load = {
      onFirstLayer: gpu.software ? warmUpEarly : undefined,
      weights: dtype,
      signal,
      note: (text: string) => notes.push(text),
      onProgress: (loaded: number, tensor: string) => report({ phase: 'weights', loaded, total: totalBytes, tensor }),
    }
    // All that could be refused was refused: now gigabytes may come.
    await checkpoint.files.prepare?.(signal)
    const weights = await gpu.guard('the model', () => loadWeights(gpu, checkpoint, load))
    if (weights.quantization !== undefined)
      notes.push((await import('./rounding.ts')).roundingNote(weights.quantization))
    report({ phase: 'compile', loaded: totalBytes, total: totalBytes })
    const chosen = await choice.end()
    gpu = chosen.gpu
    const model = new Mistral(gpu, config, weights, cache, workspace)
    const runner = new Runner(model, maxRows, DECODE_ROWS)
    if (options.onProfile) {
      runner.profiler = new (await import('../gpu/profiler.ts')).Profiler(gpu, options.onProfile)
    }
    await runner.warmUp(firstSampler)
    throwIfAborted(signal)
    gpu.check()
    report({ phase: 'ready', loaded: totalBytes, total: totalBytes })
    const { memoryOf } = await import('./memory.ts')
    const { report: kernels } = chosen
    const parts = { gpu, config, weights, cache, runner, notes, kernels }
    return new LoadedModel(parts, sizes, totalBytes, memoryOf)
  }

  /** What measures texts, made when it is first asked for. */
  textScorer(): Promise<TextScorer> {
    this.scorer ??= import('./text-scorer.ts').then(({ TextScorer }) => new TextScorer(this.runner))
    return this.scorer
  }

  /** What reads hidden states, made when it is first asked for. */
  hiddenReader(): Promise<HiddenReader> {
    this.reader ??= import('./hidden-reader.ts').then(({ HiddenReader }) => new HiddenReader(this.runner))
    return this.reader
  }

  /**
   * Another, loaded from the same checkpoint with the same options, takes the place of this one, whose device is lost. Throws
   * `DeviceError` when this one was disposed of meanwhile.
   */
  moveTo({ gpu, weights, cache, runner, kernels }: LoadedModel): void {
    if (this.gpu.isDisposed) {
      gpu.dispose()
      this.gpu.check()
    }
    this.gpu.dispose()
    Object.assign(this, { gpu, weights, cache, runner, kernels, scorer: undefined, reader: undefined })
  }

  /** Frees everything on the GPU and lets the process end. Safe to call twice. */
  dispose(): void {
    this.gpu.dispose()
  }
}

type Part = 'gpu' | 'config' | 'weights' | 'cache' | 'runner' | 'notes' | 'kernels'

interface Sizes {
  readonly contextLength: number
  readonly contextLimit: LoadedModel['contextLimit']
  readonly chunk: number
  readonly maxSequences: number
  readonly positions: number
  readonly vocabSize: number
}

/** Checks the options that set sizes. Throws `ParameterError`. */
function planSizes(config: ModelConfig, options: LoadedModelOptions, vocabSize = config.vocabSize): Sizes {
  if (config.headDim > MAX_HEAD_DIM) {
    throw new ConfigError('head_dim', config.headDim, `the attention kernel takes at most ${MAX_HEAD_DIM}`)
  }
  checkParameter('weights', options.weights, orElse(undefined, oneOf(...WEIGHTS_OPTIONS)))
  checkParameter('kvCache', options.kvCache, orElse(undefined, oneOf('auto', ...Object.keys(CACHE_LAYOUTS))))
  const trained = config.maxPositions
  const contextLength = options.contextLength ?? Math.min(trained, DEFAULT_CONTEXT)
  checkParameter('contextLength', contextLength, integer(1, trained))
  const maxSequences = options.maxSequences ?? 1
  checkParameter('maxSequences', maxSequences, integer(1, 1024))
  const chunk = options.prefillChunk ?? DEFAULT_CHUNK
  checkParameter('prefillChunk', chunk, integer(1, 8192))
  // Whoever asks for less context than the window wants a smaller cache, which then is the limit.
  const windowed = config.slidingWindows.every((window) => window !== undefined && window <= contextLength)
  const endless = Math.min(Math.max(WINDOWED_POSITIONS, trained), ropePositions(config))
  const positions = windowed ? Math.max(contextLength, endless) : contextLength
  return {
    contextLength,
    contextLimit: contextLength === trained ? 'model' : options.contextLength === undefined ? 'default' : 'option',
    maxSequences,
    chunk: Math.min(chunk, contextLength),
    positions,
    vocabSize: Math.min(vocabSize, config.vocabSize),
  }
}

function cacheLayout(gpu: Gpu, option: LoadedModelOptions['kvCache'] = 'auto'): CacheLayout {
  if (option !== 'auto') return CACHE_LAYOUTS[option]
  return gpu.has('shader-f16') ? CACHE_LAYOUTS.f16 : CACHE_LAYOUTS.f32
}
