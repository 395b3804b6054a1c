/**
 * Every error that this library throws on purpose. Each carries the facts of its message as fields, so that a caller
 * can react to `error.parameter` or `error.tensor` without reading prose.
 */

import { type ErrorJson, MistralError, registerErrors } from './errors/base.ts'
import { ConstraintError, GrammarError, PatternError, SchemaError } from './errors/constraints.ts'
import { shortened, show } from './errors/show.ts'

export { type ErrorJson, MistralError } from './errors/base.ts'
export { ConstraintError, GrammarError, PatternError, SchemaError } from './errors/constraints.ts'
export { messageOf } from './errors/show.ts'

/** Longest name of a tensor in a message: a file may call it anything. */
const MOST_NAME = 200

/** A file of the checkpoint is missing, damaged, hostile or of a kind that is not supported. */
export class CheckpointError extends MistralError {
  override name = 'CheckpointError'
  /** The file's name inside the checkpoint, for example `model-00002-of-00003.safetensors`. */
  readonly file: string
  /** The tensor concerned, when it is one tensor's fault. */
  readonly tensor: string | undefined
  /** The fault, without file and tensor. */
  readonly fact: string

  constructor(at: { file: string; tensor?: string | undefined }, fact: string, options?: ErrorOptions) {
    super(`${at.file}${at.tensor === undefined ? '' : `, tensor ${shortened(at.tensor, MOST_NAME)}`}: ${fact}`, options)
    this.file = at.file
    this.tensor = at.tensor
    this.fact = fact
  }
}

/** A file that a choice can be made of. */
export interface ModelChoice {
  /** What to put behind the colon: a file, or the folder and name of one. */
  readonly name: string
  /** Of the file, or of all parts together. */
  readonly bytes: number
}

/** A repository has several models, or none of the kind that was asked for, so that one must be named. */
export class ChoiceError extends CheckpointError {
  override name = 'ChoiceError'
  /** What there is to choose from. */
  readonly choices: readonly ModelChoice[]

  constructor(file: string, fact: string, choices: readonly ModelChoice[]) {
    super({ file }, fact)
    this.choices = choices
  }

  override toJSON(): ErrorJson {
    return { ...super.toJSON(), choices: this.choices.map(({ name, bytes }) => ({ name, bytes })) }
  }
}

/** There is no room to keep a file: the disk, or the quota of the page, is full. */
export class StorageError extends CheckpointError {
  override name = 'StorageError'

  constructor(
    file: string,
    readonly neededBytes: number,
    /** undefined where nobody tells. */
    readonly availableBytes: number | undefined,
    options?: ErrorOptions,
  ) {
    const missing =
      availableBytes === undefined ? '' : `, ${availableBytes} are free: ${neededBytes - availableBytes} are missing`
    super({ file }, `needs ${neededBytes} more bytes of storage${missing}`, options)
  }

  /** How much there is too little. */
  get missingBytes(): number | undefined {
    return this.availableBytes === undefined ? undefined : this.neededBytes - this.availableBytes
  }
}

/** `config.json` (or the metadata of a GGUF) asks for something impossible or not implemented. */
export class ConfigError extends MistralError {
  override name = 'ConfigError'
  readonly field: string
  readonly value: unknown
  /** The fault, without field and value. */
  readonly fact: string

  constructor(field: string, value: unknown, fact: string, options?: ErrorOptions) {
    super(`config field "${field}" (${show(value)}): ${fact}`, options)
    this.field = field
    this.value = value
    this.fact = fact
  }
}

/** A request parameter or load option is out of range, of the wrong type, or unknown. */
export class ParameterError extends MistralError {
  override name = 'ParameterError'
  readonly parameter: string
  readonly value: unknown
  /** The fault, without parameter and value. */
  readonly fact: string

  constructor(parameter: string, value: unknown, fact: string, options?: ErrorOptions) {
    super(`parameter "${parameter}" (${show(value)}): ${fact}`, options)
    this.parameter = parameter
    this.value = value
    this.fact = fact
  }
}

/** The rules of a request left no token that the model may choose. */
export class NoTokenLeftError extends MistralError {
  override name = 'NoTokenLeftError'
}

/** More requests wait than the model was told to take; try again later. */
export class QueueFullError extends MistralError {
  override name = 'QueueFullError'
  /** Requests that wait. */
  readonly queued: number
  readonly limit: number

  constructor(queued: number, limit: number) {
    super(`${queued} requests wait for a sequence already, and maxQueue is ${limit}`)
    this.queued = queued
    this.limit = limit
  }
}

/** Tokenizer files that cannot be read, or token ids that do not exist. */
export class TokenizerError extends MistralError {
  override name = 'TokenizerError'
}

/** The checkpoint's chat template does not parse, uses what is not supported, or fails: the fault is the checkpoint's. */
export class ChatTemplateError extends MistralError {
  override name = 'ChatTemplateError'
}

/** The chat template refuses the conversation, in its own words (`raise_exception`). */
export class ConversationError extends ChatTemplateError {
  override name = 'ConversationError'
}

/** Prompt (plus what must be generated) does not fit the context. */
export class ContextLengthError extends MistralError {
  override name = 'ContextLengthError'
  constructor(
    readonly promptTokens: number,
    readonly contextLength: number,
  ) {
    const answer = promptTokens <= contextLength ? ' with the answer' : ''
    super(
      `the prompt has ${promptTokens} tokens, the context holds ${contextLength}${answer}; load with a larger contextLength`,
    )
  }
}

/** A saved key/value cache that cannot be restored: it is damaged or cut, or of another version, model, layout or adapter. */
export class SavedCacheError extends MistralError {
  override name = 'SavedCacheError'
  constructor(
    readonly fault: 'damaged' | 'version' | 'model' | 'layout' | 'adapter',
    /** The fault in words. */
    readonly fact: string,
  ) {
    super(`saved cache: ${fact}`)
  }
}

/** There is no usable GPU, or the GPU refused an operation. */
export class DeviceError extends MistralError {
  override name = 'DeviceError'
}

/** The device is gone (driver reset, tab in the background, `dispose()`); the model must be loaded again. */
export class DeviceLostError extends DeviceError {
  override name = 'DeviceLostError'
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(`the GPU device was lost (${reason}): ${message}`)
  }
}

/** The GPU computes wrong, even with the plainest kernels. */
export class SelfTestError extends DeviceError {
  override name = 'SelfTestError'
  /** @param report what an issue should say: the adapter, and what each check gave */
  constructor(readonly report: string) {
    super(`this GPU computes wrong\n${report}`)
  }
}

/** The model with these options needs more GPU memory, or larger buffers, than the device gives. */
export class MemoryError extends DeviceError {
  override name = 'MemoryError'
  /** What the whole load would have taken, and what of it fits: there when loading a model failed. */
  plan: MemoryPlan | undefined

  constructor(
    readonly what: string,
    readonly neededBytes: number,
    /** The limit's value; undefined when the device ran out of memory, which WebGPU does not tell beforehand. */
    readonly limitBytes: number | undefined,
    advice = "quantize with weights: 'q8' or 'q4', or lower contextLength, prefillChunk or maxSequences",
    /** The context that would fit with all else as it was asked for; undefined where that is not known. */
    readonly fittingContext?: number,
    /** Which limit: a name of WebGPU's, or that of the option `maxMemory`. */
    readonly limitName?: LimitName,
  ) {
    const fits = fittingContext === undefined ? '' : `a contextLength of ${fittingContext} fits; `
    super(`${what} needs ${neededBytes} bytes, ${limitText(limitBytes, limitName)}; ${fits}${advice}`)
  }

  override toJSON(): ErrorJson {
    return { ...super.toJSON(), plan: this.plan && { ...this.plan } }
  }
}

/** The limits that memory runs into. */
export type LimitName = 'maxBufferSize' | 'maxStorageBufferBindingSize' | 'maxMemory'

/** What a load would take of the GPU's memory, in bytes, and the context that fits. */
export interface MemoryPlan {
  readonly total: number
  readonly weights: number
  readonly cache: number
  readonly workspace: number
  /** Positions that the numbers are for. */
  readonly contextLength: number
  /** The most positions that fit; 0 where not even one does. */
  readonly largestContext: number
}

/** The part of a message that says why bytes are too many. */
export function limitText(bytes: number | undefined, name: LimitName | undefined): string {
  if (bytes === undefined) return 'which the GPU does not have'
  if (name === 'maxMemory') return `the option maxMemory allows ${bytes}`
  return `the device allows ${bytes}${name === undefined ? '' : ` (${name})`}`
}

/** The caller's `AbortSignal` fired. `cause` is the signal's reason. */
export class AbortError extends MistralError {
  override name = 'AbortError'
  constructor(reason?: unknown) {
    super('the operation was aborted', { cause: reason })
  }
}

/** An address that cannot be listened on: taken, not of this machine, or not allowed. */
export class ListenError extends MistralError {
  override name = 'ListenError'
  constructor(
    readonly host: string,
    readonly port: number,
    fact: string,
    options?: ErrorOptions,
  ) {
    super(`cannot listen on ${host}, port ${port}: ${fact}`, options)
  }
}

registerErrors({
  CheckpointError,
  ChoiceError,
  StorageError,
  ConfigError,
  ParameterError,
  NoTokenLeftError,
  ConstraintError,
  QueueFullError,
  TokenizerError,
  ChatTemplateError,
  ConversationError,
  ContextLengthError,
  SavedCacheError,
  DeviceError,
  DeviceLostError,
  SelfTestError,
  MemoryError,
  AbortError,
  ListenError,
  SchemaError,
  PatternError,
  GrammarError,
})
