/** `MistralModel`: a model on the GPU, token ids in, logits or token ids out. */

import { onAbort, throwIfAborted } from '../async/abort.ts'
import type { Constraint } from '../constraints/constraint.ts'
import { AbortError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { Checkpoint } from '../model/checkpoint.ts'
import type { ModelConfig } from '../model/config.ts'
import { LoadedModel } from '../model/loaded-model.ts'
import type { AnyBlob, Disposes } from '../platform/globals.ts'
import type { SamplingInput } from '../sampling/request-params.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { AdapterInfo, AdapterOptions } from './adapter-types.ts'
import type { Recover } from './device-loss.ts'
import type { Embedding, EmbedOptions } from './embedding.ts'
import { GenerationStream } from './generation-stream.ts'
import { type ModelStatus, statusOf } from './model-status.ts'
import { beginTokenizer, idsInCheckpoint, isInCheckpoint } from './model-tokenizer.ts'
import { NamedAdapters } from './named-adapters.ts'
import {
  checkGenerateOptions,
  checkLoadOptions,
  checkLogitsOptions,
  type GenerateOptions,
  type LoadOptions,
  type LogitsOptions,
  type RequestOptions,
} from './options.ts'
import type { Perplexity, PerplexityOptions } from './perplexity.ts'
import type { Recovery } from './recovery.ts'
import type { CacheSource, RestoredCache, SaveCacheOptions } from './saved-cache-types.ts'
import { Scheduler } from './scheduler.ts'
import { checkPrompt, copyIds, generateTokens, parseTokenParams, type TokenParams, verdictOf } from './token-loop.ts'
import type { Adapter, GenerationStep, GenerationSummary, NotedStep, Verdict } from './types.ts'
import { withCheckpoint } from './with-checkpoint.ts'

export interface MistralModel extends Disposes {}

/** A model on the GPU: token ids in, logits or token ids out. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method that the interface declares.
export class MistralModel {
  /** @internal */
  readonly scheduler: Scheduler
  readonly #named: NamedAdapters
  readonly #maxQueue: number

  private constructor(
    /** @internal */
    readonly loaded: LoadedModel,
    /** undefined when the source has no tokenizer files. */
    readonly tokenizer: Tokenizer | undefined,
    maxQueue: number,
    steps: number | undefined,
    recovery: Recovery | undefined,
  ) {
    const recover: Recover = async (error) => (await import('./recovery.ts')).recover(this, recovery!, error)
    this.scheduler = new Scheduler(loaded, { maxQueue, steps, recover: recovery && recover })
    this.#maxQueue = maxQueue
    this.#named = new NamedAdapters(loaded, this.scheduler)
  }

  /**
   * Loads a checkpoint: a name on the Hugging Face Hub, a folder or `.gguf` path, a URL, dropped files, a directory handle, or
   * an object `{ open(name) }`. Throws `CheckpointError`, `ConfigError`, `TokenizerError`, `ParameterError`, `DeviceError`,
   * `MemoryError`, `AbortError`; nothing is left open or on the GPU then.
   */
  static async load(source: ModelSource, options: LoadOptions = {}): Promise<MistralModel> {
    checkLoadOptions(options)
    return withCheckpoint(source, options, (checkpoint, load) =>
      MistralModel.fromCheckpoint(checkpoint, load, { source }),
    )
  }

  /**
   * @internal As `load`, from a checkpoint that the caller closes, and which `source` gives again after the loss of a device. With a
   * `template`, which is awaited before weights are fetched, it needs a tokenizer.
   */
  static async fromCheckpoint(
    checkpoint: Checkpoint,
    options: LoadOptions,
    { source, template }: { source?: ModelSource; template?: Promise<unknown> } = {},
  ): Promise<MistralModel> {
    let tokenizer: Tokenizer | undefined
    const begun = beginTokenizer(checkpoint, options.signal)
    const ready = async () => {
      await template
      tokenizer ??= await begun(template !== undefined)
      tokenizer?.checkRows(checkpoint.config.vocabSize)
      return tokenizer?.vocabSize
    }
    if (!isInCheckpoint(checkpoint)) await ready()
    const { maxQueue = Infinity, stepsPerReadback, maxRecoveries: most = 3 } = options
    const loaded = await LoadedModel.load(checkpoint, options, {
      ids: () => idsInCheckpoint(checkpoint) ?? ready(),
      sound: ready,
    })
    const recovery = source === undefined || most === 0 ? undefined : { source, options, most, losses: 0, tokens: 0 }
    return new MistralModel(loaded, tokenizer, maxQueue, stepsPerReadback, recovery)
  }

  get config(): ModelConfig {
    return this.loaded.config
  }

  /**
   * Oddities of the checkpoint that do not keep it from working, one sentence each: fields of the config that have
   * no effect, weights that contradict it. What rounding weights cost is one of them. Empty for most.
   */
  get notes(): readonly string[] {
    return [...this.loaded.notes, ...(this.tokenizer?.notes ?? [])]
  }

  /**
   * Positions of one sequence, prompt and answer together. With a sliding window in every layer an answer goes on past it.
   */
  get contextLength(): number {
    return this.loaded.contextLength
  }

  /** The adapters that requests may name, in the order in which they were loaded. */
  get adapters(): readonly AdapterInfo[] {
    return this.#named.infos
  }

  /**
   * Loads a LoRA adapter beside the model, whose weights stay as they are: a folder that PEFT saved, or a `.gguf` of
   * llama.cpp's converter, from the kinds of sources that `load` takes. Requests that name it are answered with it, together with others. Throws `CheckpointError`, `ConfigError`, `ParameterError`, `DeviceError`, `MemoryError`,
   * `AbortError`; nothing is left open or on the GPU then.
   */
  async loadAdapter(source: ModelSource, options: AdapterOptions = {}): Promise<AdapterInfo> {
    return this.#named.load(source, options)
  }

  /**
   * Frees an adapter. New requests cannot name it from now on; those that it answers at the moment end first. Throws
   * `ParameterError` for a name that no adapter has.
   */
  async unloadAdapter(name: string): Promise<void> {
    return this.#named.unload(name)
  }

  /** Raw logits after each of the tokens, [T] of [V], from an empty cache; with an adapter, where one is named. */
  async logits(tokenIds: Iterable<number>, options: LogitsOptions = {}): Promise<Float32Array<ArrayBuffer>[]> {
    checkLogitsOptions(options)
    const { signal, adapter } = options
    const ids = copyIds(tokenIds)
    checkPrompt(ids, this.config.vocabSize, this.contextLength)
    const own = this.#named.find(adapter)
    const { runner, chunk } = this.loaded
    const logits: Float32Array<ArrayBuffer>[] = []
    await this.#exclusively(
      signal,
      async (sequence) => {
        const first = logits.length
        if (first === 0) runner.writeTokens(sequence, 0, ids)
        const count = Math.min(chunk, runner.maxOutputs, ids.length - first)
        const rows = Array.from({ length: count }, (_, i) => ({ sequence, position: first + i, output: true }))
        logits.push(...(await (await runner.logits(rows)).result))
        return logits.length === ids.length
      },
      own,
    )
    return logits
  }

  /** Runs `work`, one batch at a time, until it returns true. */
  async #exclusively(
    signal: AbortSignal | undefined,
    work: (sequence: number) => Promise<boolean>,
    adapter?: Adapter,
  ): Promise<void> {
    throwIfAborted(signal)
    const job = this.scheduler.runExclusively(work, adapter)
    const stopListening = onAbort(signal, () => this.scheduler.cancel(job, new AbortError(signal?.reason)))
    try {
      await job.finished
    } finally {
      stopListening()
    }
  }

  /**
   * How well the model predicts a text, which is encoded with BOS in front where the vocabulary has it so, or token ids, which
   * are taken as they are. The text may be longer than the context: it is read in windows. Requests run on beside it.
   * Throws `ParameterError`, `QueueFullError`, `DeviceError`, `AbortError`.
   */
  async perplexity(text: string | Iterable<number>, options: PerplexityOptions = {}): Promise<Perplexity> {
    const { planPerplexity, PerplexityRun } = await import('./perplexity.ts')
    const input = typeof text === 'string' ? text : copyIds(text)
    if (typeof input !== 'string') checkPrompt(input, this.config.vocabSize, Infinity)
    const run = new PerplexityRun(this.loaded, planPerplexity(input, options, this), options.onProgress)
    await this.#exclusively(options.signal, (sequence) => run.step(sequence), this.#named.find(options.adapter))
    return run.result()
  }

  /**
   * One vector for a text, encoded as by {@link perplexity}, or for token ids: the last hidden state, pooled. Requests run
   * on beside it. Throws `ContextLengthError`, and as `perplexity` does.
   */
  async embed(text: string | Iterable<number>, options: EmbedOptions = {}): Promise<Embedding> {
    const { embedOptions, EmbeddingRun, idsOf } = await import('./embedding.ts')
    const { signal } = embedOptions(options)
    const ids = idsOf(text, this.tokenizer)
    checkPrompt(ids, this.config.vocabSize, this.contextLength)
    const run = new EmbeddingRun(this.loaded, ids, options)
    await this.#exclusively(signal, (sequence) => run.step(sequence))
    return run.result()
  }

  /**
   * The keys and values of these tokens as a file, for {@link restoreCache} of a later process. What is not in the cache is
   * computed. Throws `ContextLengthError`, `ParameterError`, `QueueFullError`, `DeviceError`, `AbortError`.
   */
  async saveCache(tokenIds: Iterable<number>, options: SaveCacheOptions = {}): Promise<AnyBlob> {
    return (await import('./saved-cache.ts')).saveCache(this, this.#named, copyIds(tokenIds), options)
  }

  /**
   * Puts a saved cache into a free sequence: prompts that begin with its tokens go on from there. Throws `SavedCacheError`,
   * `ContextLengthError`, `ParameterError`, `DeviceError`, `AbortError`.
   */
  async restoreCache(source: CacheSource, options: RequestOptions = {}): Promise<RestoredCache> {
    return (await import('./saved-cache.ts')).restoreCache(this, this.#named, source, options)
  }

  /**
   * Generates token ids after the prompt, which is taken as it is: pass `bos` to the tokenizer's `encode` where the model
   * expects it. The last step has a `finishReason`; the stream's `summary` has usage and timings.
   */
  generate(tokenIds: Iterable<number>, params: SamplingInput = {}, options: GenerateOptions = {}): GenerationStream {
    checkGenerateOptions(options)
    // Copies: what the caller does to them later changes nothing.
    const own = typeof params === 'object' && params !== null ? { ...params } : params
    return new GenerationStream(this.#steps(copyIds(tokenIds), own, options))
  }

  /** Parameters are checked when the first step is asked for. */
  async *#steps(
    tokenIds: readonly number[],
    params: SamplingInput,
    { signal, stopWhen, constraint }: GenerateOptions,
  ): AsyncGenerator<GenerationStep, GenerationSummary, undefined> {
    const onToken = stopWhen && verdictOf(stopWhen)
    return yield* this.run(tokenIds, parseTokenParams(params), { signal, onToken, constraint: constraint?.() })
  }

  /**
   * @internal As `generate`, with notes that travel from `onToken` to the steps. A `sibling` is one of several answers to
   * a request that was let in already. With `begun`, so many of the last ids are the answer's own.
   */
  run<Note>(
    tokenIds: readonly number[],
    params: TokenParams,
    options: RequestOptions & {
      onToken?: ((tokenId: number) => Verdict<Note>) | undefined
      constraint?: Constraint | undefined
      sibling?: boolean
      begun?: number
    },
  ): AsyncGenerator<NotedStep<Note>, GenerationSummary, undefined> {
    const { loaded, scheduler, eosTokenIds } = this
    const adapter = this.#named.find(params.loop.adapter)
    return generateTokens({ loaded, scheduler, adapter }, tokenIds, params, { ...options, eosTokenIds })
  }

  /** @internal The tokens that end an answer. */
  get eosTokenIds(): readonly number[] {
    return [...new Set([...this.config.eosTokenIds, ...(this.tokenizer?.endIds ?? [])])]
  }

  status(): ModelStatus {
    return statusOf(this.loaded, this.scheduler, this.#maxQueue)
  }

  /**
   * The error that ended the device, and the model with it, which must be loaded again then; undefined as long as it
   * works.
   */
  get failure(): Error | undefined {
    return this.scheduler.device.failure
  }

  /** Frees the GPU and lets the process end; await it before a thread of Node's ends. What runs throws `DeviceError`. Safe to call twice. */
  dispose(): Promise<void> {
    return this.loaded.dispose()
  }

  /** @internal Declared by `Disposes`. */
  [Symbol.dispose](): void {
    void this.dispose()
  }
}
