/** The messages between a chat model in a worker and its client. */
import type { ChatChunk } from '../chat/answer.ts'
import type { Begun } from '../chat/resume.ts'
import { AbortError, type ErrorJson, MistralError } from '../errors.ts'
import type { AdapterInfo } from '../generate/adapter-types.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { Question } from './remote-opener.ts'

/** What can be asked for and has one answer. */
export type Method =
  | 'load'
  | 'encode'
  | 'decode'
  | 'embed'
  | 'saveCache'
  | 'restoreCache'
  | 'status'
  | 'loadAdapter'
  | 'unloadAdapter'
  | 'share'
  | 'join'
  | 'dispose'

/** From the client. `id` names the call or stream in all that follows. */
export type ToHost =
  | { readonly id: number; readonly op: 'call'; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly id: number; readonly op: 'stream'; readonly request: unknown; readonly begun?: Begun | undefined }
  /** The reader has room for so many more chunks. */
  | { readonly id: number; readonly op: 'want'; readonly count: number }
  /** The reader left the stream. */
  | { readonly id: number; readonly op: 'leave' }
  /** The signal of the call or stream fired. */
  | { readonly id: number; readonly op: 'abort' }
  /** What the opener of the call said to the worker's question of that number. */
  | { readonly id: number; readonly op: 'answer'; readonly question: number; readonly ending: Ending }

/** The end of a call or stream. */
export type Ending =
  | { readonly id: number; readonly op: 'value'; readonly value: unknown }
  | { readonly id: number; readonly op: 'error'; readonly error: ErrorJson }

/** From the worker. */
export type FromHost =
  | Ending
  | { readonly id: number; readonly op: 'chunk'; readonly chunk: ChatChunk }
  | { readonly id: number; readonly op: 'progress'; readonly progress: LoadProgress }
  /** The worker reads a file through the opener of the call. */
  | {
      readonly id: number
      readonly op: 'ask'
      readonly question: number
      readonly what: Question
      readonly args: readonly unknown[]
    }
  /** Told whenever one of them changed. */
  | { readonly id: 0; readonly op: 'facts'; readonly facts: ModelFacts }

/** What a client answers without asking. */
export interface ModelFacts {
  readonly contextLength: number
  readonly vocabSize: number
  readonly takesTools: boolean
  readonly templateOrigin: 'checkpoint' | 'vendor' | 'built-in'
  readonly adapters: readonly AdapterInfo[]
  readonly failure: ErrorJson | undefined
  /** Where tabs share the model: which time of leading it is, and how many they are. */
  readonly shared?: { readonly term: string; readonly tabs: number } | undefined
}

/** Chunks that may travel before the reader has taken one: a fast model does not fill the memory of a slow reader. */
export const WINDOW = 32

/** Any error as data. One that is not of this library keeps its name and message. */
export function errorJson(error: unknown): ErrorJson {
  if (error instanceof MistralError) return error.toJSON()
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { name, message, native: true }
}

/** The error again, of the same class where it is one of this library's. */
export function errorFromJson(json: ErrorJson): Error {
  if (json.native === true) return Object.assign(new Error(json.message), { name: json.name })
  return MistralError.fromJSON(json)
}

/** An abort in the worker, told with the reason that only the client knows. */
export function withReason(error: Error, signal: AbortSignal | undefined): Error {
  return error instanceof AbortError && signal?.aborted === true ? new AbortError(signal.reason) : error
}
