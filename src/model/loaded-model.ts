/** A checkpoint on the GPU: sizes are planned, buffers made, weights loaded, pipelines compiled. */
import { throwIfAborted } from '../async/abort.ts'
import { MemoryError } from '../errors.ts'
import type { Gpu } from '../gpu/device.ts'
import { openGpu } from '../gpu/open.ts'
import type { BatchProfile } from '../gpu/profiler.ts'
import type { LayerCache } from '../kernels/attention.ts'
import type { SamplerKind } from '../kernels/sampler.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import { type GpuAhead, gpuFor } from './ahead.ts'
import { ALLOCATION } from './allocation.ts'
import type { Checkpoint } from './checkpoint.ts'
import { chooseKernels } from './choose-kernels.ts'
import type { ModelConfig } from './config.ts'
import type { HiddenReader } from './hidden-reader.ts'
import type { ChoiceHooks } from './kernel-choice.ts'
import type { KernelReport, SelfTestOption, TuningOption } from './kernel-report.ts'
import type { LoadProgress, LoadStep } from './load-progress.ts'
import type { ModelMemory } from './memory.ts'
import { Mistral, type ModelWeights } from './mistral.ts'
import type { ModelPlan } from './plan-types.ts'
import { Recordings } from './recordings.ts'
import type { Runner } from './runner.ts'
import type { SizeOptions } from './size-types.ts'
import { createRunner, createState, needsCounting, planSizes, type Sizes, type State } from './sizes.ts'
import type { TextScorer } from './text-scorer.ts'
import type { LoadedWeights } from './weights.ts'

export interface LoadedModelOptions extends SizeOptions {
  onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Gets what the load takes of the GPU, before its weights are fetched. */
  onPlan?: ((plan: ModelPlan) => void) | undefined
  signal?: AnyAbortSignal | undefined
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
  /** @internal The GPU, on its way already. */
  ahead?: GpuAhead | undefined
  /** @internal What the only request draws with: what its first token does not take compiles later. */
  firstSampler?: SamplerKind | undefined
}

const plans = () => import('./planned-load.ts')

/** What loading the checkpoint would take of the device. Throws `ParameterError`, `ConfigError`, `DeviceError`, `AbortError`. */
export async function planModel(checkpoint: Checkpoint, options: LoadedModelOptions): Promise<ModelPlan> {
  planSizes(checkpoint.config, options)
  const gpu = await openGpu({ disableFeatures: options.disableFeatures })
  try {
    return await (await plans()).planOf({ gpu, checkpoint, options, code: ALLOCATION })
  } finally {
    gpu.dispose()
  }
}

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

  /** What limits the context. */
  get contextLimit(): Sizes['contextLimit'] {
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
   * Brings a checkpoint to the GPU; it stays open for the caller to close. `vocabulary` is asked before weights are fetched.
   * Throws what that throws, `CheckpointError`, `ConfigError`, `ParameterError`, `DeviceError`, `MemoryError`, `AbortError`;
   * nothing is left on the GPU then.
   */
  static async load(
    checkpoint: Checkpoint,
    options: LoadedModelOptions = {},
    vocabulary?: Vocabulary,
  ): Promise<LoadedModel> {
    throwIfAborted(options.signal)
    const { config, totalBytes } = checkpoint
    const sizes = planSizes(config, options)
    options.report?.({ phase: 'open', loaded: 0, total: totalBytes })
    const gpu = await (options.ahead?.take() ?? gpuFor(options))
    const planned = { gpu, checkpoint, options, code: ALLOCATION }
    try {
      const counted = options.onPlan !== undefined || needsCounting(gpu, checkpoint, options)
      const taken = counted ? await (await plans()).plannedSizes(planned, options.onPlan) : sizes
      return await LoadedModel.build(gpu, checkpoint, taken, options, vocabulary)
    } catch (error) {
      gpu.dispose()
      throw error instanceof MemoryError ? await (await plans()).explained(error, planned) : error
    }
  }

  private static async build(
    opened: Gpu,
    checkpoint: Checkpoint,
    planned: Sizes,
    options: LoadedModelOptions,
    vocabulary: Vocabulary = { ids: () => undefined },
  ): Promise<LoadedModel> {
    const { config, totalBytes } = checkpoint
    const { signal, weights: dtype = 'native', report = () => {} } = options
    throwIfAborted(signal)
    const choice = await chooseKernels(opened, checkpoint, { ...options, hooks: options.kernelHooks })
    let { gpu } = choice
    let sizes = planned
    let state: State | undefined
    const notes = [...checkpoint.notes]
    const { firstSampler } = options
    // Before a byte of weights is fetched: what does not fit, or cannot be, should be known at once. Software adapters are clearing memory
    // for the weights meanwhile, and their compilers, which do one shader at a time, begin before the weights are there.
    const beforeFetching = async (weights: ModelWeights) => {
      const ids = (await vocabulary.ids()) ?? Infinity
      sizes = { ...planned, vocabSize: Math.min(ids, config.vocabSize) }
      const { cache, workspace } = await gpu.guard('the key/value cache', async () =>
        createState(gpu, config, sizes, options.kvCache),
      )
      state = { cache, workspace }
      const early = new Mistral(gpu, config, weights, cache, workspace)
      if (gpu.software) void new Recordings(early).warmUpEarly(firstSampler)
      await vocabulary.sound?.()
      // All that could be refused was refused: now gigabytes may come.
      await checkpoint.files.prepare?.(signal)
    }
    const load = {
      onAllocated: beforeFetching,
      weights: dtype,
      signal,
      note: (text: string) => notes.push(text),
      onProgress: (loaded: number, tensor: string) => report({ phase: 'weights', loaded, total: totalBytes, tensor }),
    }
    const weights = await gpu.guard('the model', () => ALLOCATION.loadWeights(gpu, checkpoint, load))
    if (weights.quantization !== undefined)
      notes.push((await import('./rounding.ts')).roundingNote(weights.quantization))
    report({ phase: 'compile', loaded: totalBytes, total: totalBytes })
    const chosen = await choice.end()
    gpu = chosen.gpu
    const { cache, workspace } = state!
    const model = new Mistral(gpu, config, weights, cache, workspace)
    const runner = await gpu.guard('what brings results back', async () => createRunner(model, sizes))
    if (options.onProfile) {
      runner.profiler = new (await import('../gpu/profiler.ts')).Profiler(gpu, options.onProfile)
    }
    const { memoryOf } = await import('./memory.ts')
    await runner.warmUp(firstSampler)
    throwIfAborted(signal)
    gpu.check()
    report({ phase: 'ready', loaded: totalBytes, total: totalBytes })
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

  /** As `Gpu.dispose`. */
  dispose(): Promise<void> {
    return this.gpu.dispose()
  }
}

interface Vocabulary {
  /** The number of the tokenizer's ids, when the model has more logits than that; undefined where there is no tokenizer. */
  readonly ids: () => Promise<number | undefined> | number | undefined
  /** Throws where there is something wrong with it. Software adapters compile meanwhile. */
  readonly sound?: () => Promise<unknown>
}

type Part = 'gpu' | 'config' | 'weights' | 'cache' | 'runner' | 'notes' | 'kernels'
