/** What users say and learn of adapters, and what those who load them need to know of the model. */
import type { HubOptions } from '../formats/source-options.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Scheduler } from './scheduler.ts'
import type { Adapter } from './types.ts'

/** How an adapter is loaded. */
export interface AdapterOptions {
  /** The name by which requests ask for it. Default: the name of its folder or file. */
  name?: string | undefined
  /** Multiplies what the adapter changes: 0.5 is half of it. Default 1. */
  scale?: number | undefined
  /** As in `load`. */
  hub?: HubOptions | undefined
  signal?: AnyAbortSignal | undefined
}

/** An adapter that requests may name. */
export interface AdapterInfo {
  readonly name: string
  readonly scale: number
  /** The highest rank of its matrices. */
  readonly rank: number
  /** The model that it was made for, as it says itself: nothing but its shapes is checked. */
  readonly baseModel: string | undefined
  /** Bytes of its matrices on the GPU. */
  readonly gpuBytes: number
  /** Oddities that do not keep it from working, one sentence each. */
  readonly notes: readonly string[]
}

export interface LoadedAdapter extends Adapter {
  readonly info: AdapterInfo
}

/** A model's adapters by name. */
export interface AdapterRegistry {
  readonly loaded: LoadedModel
  readonly scheduler: Scheduler
  /** @throws ParameterError for a name that an adapter has */
  refuseTaken(name: string): void
  add(adapter: LoadedAdapter): void
}
