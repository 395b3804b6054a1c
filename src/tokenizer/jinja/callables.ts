/** How arguments reach the functions, methods, filters and tests that Python and jinja2 bring along. */
import { typeError } from './errors.ts'
import type { Kwargs, Value } from './values.ts'

/** A built-in; `self` is the value that it is a method, a filter or a test of. */
export type Builtin<Self> = readonly [params: string, run: (self: Self, ...args: never[]) => Value]

/**
 * Binds arguments to parameters, which stand in the order of Python's signature, each with a `?` when it can be left out
 * (it is then undefined here). `*` takes all arguments: an array and a map of those with names.
 * @throws PythonError as Python does for what does not fit
 */
export function bind(name: string, params: string, args: readonly Value[], kwargs: Kwargs): unknown[] {
  if (params === '*') return [args, kwargs]
  const names = params === '' ? [] : params.split(' ')
  if (args.length > names.length) {
    throw typeError(`${name}() takes at most ${names.length} arguments (${args.length} given)`)
  }
  const bound: unknown[] = [...args]
  const plain = names.map((param) => param.replace('?', ''))
  for (const [key, value] of kwargs) {
    const at = plain.indexOf(key)
    if (at < 0) throw typeError(`${name}() got an unexpected keyword argument '${key}'`)
    if (at < args.length) throw typeError(`${name}() got multiple values for argument '${key}'`)
    bound[at] = value
  }
  for (const [i, param] of names.entries()) {
    if (bound[i] === undefined && !param.endsWith('?')) throw typeError(`${name}() needs the argument '${param}'`)
  }
  return bound
}

export function callBuiltin<Self>(
  name: string,
  [params, run]: Builtin<Self>,
  self: Self,
  args: readonly Value[],
  kwargs: Kwargs,
): Value {
  return run(self, ...(bind(name, params, args, kwargs) as never[]))
}
