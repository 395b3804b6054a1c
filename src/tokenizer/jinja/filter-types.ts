/** What the tables of filters are made of. */
import type { Builtin } from './callables.ts'
import type { Kwargs, Value } from './values.ts'

/** What filters need of the engine. */
export interface Engine {
  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value
  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean
}

/** What a filter is applied to, and where it may ask for others. */
export interface FilterInput {
  readonly value: Value
  readonly engine: Engine
}

export type Filters = Readonly<Record<string, Builtin<FilterInput>>>
