/** Functions that the model may call, and its calls of them: their types, and the check of the functions. */
import { ParameterError } from '../errors.ts'
import { isJsonObject } from '../json/value.ts'
import { copyPlain } from './plain-data.ts'

export interface ToolCall {
  readonly id?: string | undefined
  readonly type?: 'function' | undefined
  /** `arguments`: an object, or the JSON text of one; `''`, `'null'`, null and undefined are `{}`. */
  readonly function: { readonly name: string; readonly arguments?: unknown }
}

/** A function that the model may call. */
export interface Tool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string | undefined
    readonly parameters?: unknown
    readonly [field: string]: unknown
  }
}

const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** Checks a name by the rules of OpenAI's API. @throws ParameterError */
export function checkFunctionName(name: unknown, at: string): asserts name is string {
  if (typeof name !== 'string' || !FUNCTION_NAME.test(name)) {
    throw new ParameterError(at, name, 'must be 1 to 64 letters, digits, "_" or "-"')
  }
}

/**
 * A plain copy of the tools. `type` may be left out, as in Mistral's API.
 * @returns undefined when there are none: null and an empty list say the same
 * @throws ParameterError naming `tools[i].field`
 */
export function checkTools(tools: unknown): Tool[] | undefined {
  if (tools === undefined || tools === null) return undefined
  if (!Array.isArray(tools))
    throw new ParameterError('tools', tools, 'must be an array of {type: "function", function}')
  if (tools.length === 0) return undefined
  const typed = tools.map((tool: unknown, i) => {
    const { type = 'function', function: fn } = (tool ?? {}) as { type?: unknown; function?: unknown }
    if (type !== 'function') throw new ParameterError(`tools[${i}].type`, type, 'must be "function"')
    checkFunction(fn, `tools[${i}].function`)
    return { type, ...(tool as object) }
  })
  return copyPlain(typed, 'tools') as Tool[]
}

function checkFunction(fn: unknown, at: string): void {
  const { name, description, parameters } = (fn ?? {}) as Record<string, unknown>
  checkFunctionName(name, `${at}.name`)
  if (description !== undefined && description !== null && typeof description !== 'string') {
    throw new ParameterError(`${at}.description`, description, 'must be a string')
  }
  if (parameters !== undefined && parameters !== null && !isJsonObject(parameters)) {
    throw new ParameterError(`${at}.parameters`, parameters, 'must be an object, a JSON schema')
  }
}
