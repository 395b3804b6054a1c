import { TokenizerError } from '../errors.ts'
import { type ModelSource, openSource } from '../formats/source.ts'
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts'
import type { ModelConfig } from '../model/config.ts'
import { Engine, type EngineOptions } from '../model/engine.ts'
import type { SamplingInput } from '../sampling/params.ts'
import { Tokenizer } from '../tokenizer/tokenizer.ts'
import { checkLoadOptions, checkRequestOptions } from './options.ts'
import { Sequences } from './sequences.ts'
import { checkPrompt, copyIds, type GenerationStep, type GenerationSummary, generateTokens } from './token-loop.ts'

export type LoadOptions = EngineOptions

export interface RequestOptions {
  /** Stops the request; what it awaits throws `AbortError`. */
  signal?: AbortSignal | undefined
}

export interface GenerateOptions extends RequestOptions {
  /** Sees every token as it is chosen; true ends the generation there with `finish_reason: 'stop'`. */
  stopWhen?: ((tokenId: number) => boolean) | undefined
}

/** A model on the GPU: token ids in, logits or token ids out. */
export class MistralModel {
  private readonly sequences: Sequences

  private constructor(
    /** @internal */
    readonly engine: Engine,
    /** undefined when the source has no tokenizer files. */
    readonly tokenizer: Tokenizer | undefined,
  ) {
    this.sequences = new Sequences(engine)
  }

  /**
   * Loads a checkpoint: a folder or `.gguf` path, a URL of either, dropped files, a directory handle, or an object
   * `{ open(name) }`. Throws `CheckpointError`, `ConfigError`, `TokenizerError`, `ParameterError`, `DeviceError`,
   * `MemoryError`, `AbortError`; nothing is left open or on the GPU then.
   */
  static async load(source: ModelSource, options: LoadOptions = {}): Promise<MistralModel> {
    checkLoadOptions(options)
    const files = await openSource(source, { signal: options.signal })
    try {
      return await MistralModel.fromCheckpoint(await openCheckpoint(files, options), options)
    } finally {
      await files.close()
    }
  }

  /** @internal As `load`, from a checkpoint that the caller closes. */
  static async fromCheckpoint(
    checkpoint: Checkpoint,
    options: LoadOptions,
    needsTokenizer = false,
  ): Promise<MistralModel> {
    const tokenizer = await tokenizerOf(checkpoint, options.signal)
    if (tokenizer === undefined && needsTokenizer) {
      throw new TokenizerError(`${checkpoint.files.label}: no tokenizer.json or tokenizer.model, which a chat needs`)
    }
    return new MistralModel(await Engine.load(checkpoint, options), tokenizer)
  }

  get config(): ModelConfig {
    return this.engine.config
  }

  /** Positions of one sequence, prompt and answer together. */
  get contextLength(): number {
    return this.engine.contextLength
  }

  /** Raw logits after each of the tokens, [T] of [V], from an empty cache. */
  async logits(tokenIds: Iterable<number>, options: RequestOptions = {}): Promise<Float32Array<ArrayBuffer>[]> {
    checkRequestOptions(options)
    const { signal } = options
    const ids = copyIds(tokenIds)
    checkPrompt(ids, this.config.vocabSize, this.contextLength)
    const lease = this.sequences.lease()
    try {
      return await lease.everyRow(ids, signal)
    } finally {
      lease.release()
    }
  }

  /**
   * Generates token ids after the prompt, which is taken as it is: pass `bos` to the tokenizer's `encode` where the model
   * expects it. The last step carries a `finish_reason`; the iterator returns usage and timings.
   */
  generate(
    tokenIds: Iterable<number>,
    params: SamplingInput = {},
    options: GenerateOptions = {},
  ): AsyncGenerator<GenerationStep, GenerationSummary, undefined> {
    checkRequestOptions(options)
    const { signal, stopWhen } = options
    const { eosTokenIds, vocabSize } = this.config
    const named = this.tokenizer?.eosId
    return generateTokens(this.sequences, copyIds(tokenIds), params, {
      eosTokenIds: named === undefined || eosTokenIds.includes(named) ? eosTokenIds : [...eosTokenIds, named],
      vocabSize: Math.min(vocabSize, this.tokenizer?.vocabSize ?? vocabSize),
      signal,
      stopWhen,
    })
  }

  /** Frees everything on the GPU and lets the process end. What is running throws `DeviceError`. Safe to call twice. */
  dispose(): void {
    this.engine.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** undefined when the checkpoint has none. */
async function tokenizerOf({ files, gguf }: Checkpoint, signal?: AbortSignal): Promise<Tokenizer | undefined> {
  if (gguf === undefined) return Tokenizer.fromSourceFiles(files, signal)
  return gguf.has('tokenizer.ggml.model') ? Tokenizer.fromGguf(gguf) : undefined
}
