/** Types for the tables of filters. */
import type { Builtin } from './callables.ts'
import type { Kwargs, Value } from './values.ts'

/** The part of the engine that filters need. */
export interface Engine {
  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value
  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean
}

/** The value that a filter is applied to, and the engine, which it may ask for other filters. */
export interface FilterInput {
  readonly value: Value
  readonly engine: Engine
}

export type Filters = Readonly<Record<string, Builtin<FilterInput>>>
