/** The options of loading and of requests, and the check that refuses all others. */
import {
  abortSignal,
  type Checks,
  callback,
  check,
  checkedLater,
  checkOptions,
  filledText,
  flag,
  integer,
  orElse,
} from '../checks.ts'
import type { Constraint } from '../constraints/constraint.ts'
import type { DownloadProgress, HubOptions, SourceOptions } from '../formats/source-options.ts'
import { metered } from '../model/load-progress.ts'
import type { LoadedModelOptions } from '../model/loaded-model.ts'
import { MAX_STEPS } from '../model/runner.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'

export interface LoadOptions extends LoadedModelOptions {
  /** Where names of the Hugging Face Hub lead, with which token, and where its files are kept. */
  hub?: HubOptions | undefined
  /**
   * Keeps weights of plain addresses as those of the Hub are kept: true always, or it is an error; false never. Default: from
   * 64 MiB on, where the server tells versions of files and there is room.
   */
  cache?: boolean | undefined
  /** Is told which of several forms of a model was chosen, and why, before anything of it comes. */
  onChoice?: ((text: string) => void) | undefined
  /** Requests that may wait for a free sequence; one more throws `QueueFullError`. Default: no limit. */
  maxQueue?: number | undefined
  /**
   * How often in a row a lost device is replaced, without a token between. The model is loaded again from its source, and answers
   * go on with the same text. 0: a lost device ends the model. Default 3.
   */
  maxRecoveries?: number | undefined
  /** Tokens to choose before they are brought back from the GPU, 1 to 16. Default: as many as come within 50 ms. */
  stepsPerReadback?: number | undefined
}

export interface RequestOptions {
  /** Stops the request; what it awaits throws `AbortError`. */
  signal?: AnyAbortSignal | undefined
}

export interface LogitsOptions extends RequestOptions {
  /** The name of the adapter to compute with. Default: none. */
  adapter?: string | null | undefined
}

export interface ConstraintOptions extends RequestOptions {
  /** Makes what says before each token which tokens may come, anew for each answer. */
  constraint?: (() => Constraint) | undefined
}

export interface GenerateOptions extends ConstraintOptions {
  /** Sees every token as it is chosen; true ends the generation there with `finishReason: 'stop'`. */
  stopWhen?: ((tokenId: number) => boolean) | undefined
}

const LOAD: Checks<LoadOptions> = {
  hub: check((value) => typeof value === 'object' && value !== null, 'an object'),
  cache: flag,
  report: callback,
  onChoice: callback,
  onProgress: callback,
  signal: abortSignal,
  weights: checkedLater,
  kvCache: checkedLater,
  contextLength: checkedLater,
  maxMemory: checkedLater,
  onPlan: callback,
  maxSequences: checkedLater,
  prefillChunk: checkedLater,
  slidingWindow: checkedLater,
  disableFeatures: check(
    (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
    'an array of names',
  ),
  tuning: checkedLater,
  selfTest: checkedLater,
  onProfile: callback,
  kernelHooks: checkedLater,
  firstSampler: checkedLater,
  ahead: checkedLater,
  maxQueue: orElse(Infinity, integer(0)),
  maxRecoveries: integer(0, 100),
  stepsPerReadback: integer(1, MAX_STEPS),
}

const REQUEST: Checks<RequestOptions> = { signal: abortSignal }
const LOGITS: Checks<LogitsOptions> = { ...REQUEST, adapter: orElse(null, filledText) }
const CONSTRAINT: Checks<ConstraintOptions> = { ...REQUEST, constraint: callback }
const GENERATE: Checks<GenerateOptions> = { ...CONSTRAINT, stopWhen: callback }

/** Refuses options that do not exist or cannot work; none is ignored. @throws ParameterError */
export function checkLoadOptions(options: unknown): asserts options is LoadOptions {
  checkOptions<LoadOptions>(options, LOAD)
}

/** As {@link checkLoadOptions}, for the last argument of requests. */
export function checkRequestOptions(options: unknown): asserts options is RequestOptions {
  checkOptions<RequestOptions>(options, REQUEST)
}

/** As {@link checkLoadOptions}, for the last argument of `MistralModel.logits`. */
export function checkLogitsOptions(options: unknown): asserts options is LogitsOptions {
  checkOptions<LogitsOptions>(options, LOGITS)
}

/** As {@link checkLoadOptions}, for the last argument of `MistralChat.generate`. */
export function checkConstraintOptions(options: unknown): asserts options is ConstraintOptions {
  checkOptions<ConstraintOptions>(options, CONSTRAINT)
}

/** As {@link checkLoadOptions}, for the last argument of `MistralModel.generate`. */
export function checkGenerateOptions(options: unknown): asserts options is GenerateOptions {
  checkOptions<GenerateOptions>(options, GENERATE)
}

/** The options that opening a source takes, with what its download says told as progress. */
export function openOptions({ signal, hub, cache, report, onChoice }: LoadOptions): SourceOptions {
  report?.({ phase: 'open', loaded: 0, total: 0 })
  const onDownload = (progress: DownloadProgress) => report?.({ phase: 'download', ...progress })
  return { signal, hub, cache, defer: true, onChoice, onDownload }
}

/** The same options, by which all parts of a load tell their progress. */
export function reporting<T extends LoadOptions>(options: T): T {
  return { ...options, report: metered(options.onProgress) }
}
