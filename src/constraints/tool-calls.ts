/** Tool calls as constraints: names that exist, arguments that their schemas accept, in the syntax of each version of the chat format. */
import { type Expression, either, jsonString, literal, optional, repeat, rule, sequence, utf8 } from './expression.ts'
import { compileSchema, type SchemaOptions, whitespaceOf } from './json-schema.ts'
import { parseRegex } from './regex.ts'
import { Effort, SchemaError } from './schema/error.ts'

/** A function that the model may call. */
export interface CallableTool {
  readonly name: string
  /** A JSON schema; any object where there is none. */
  readonly parameters?: unknown
  /** A schema that is not supported is an error; without this the arguments are then any object. */
  readonly strict?: boolean | undefined
}

/** How a vocabulary writes calls. */
export interface CallSyntax {
  /** `[TOOL_CALLS]`. */
  readonly begin: Expression
  /**
   * Calls are written `name[ARGS]{…}`, each behind a `[TOOL_CALLS]` of its own (v11 and newer), with `[CALL_ID]` and an id before `[ARGS]`
   * where there is such a token. Without this they are a JSON array (v2, v3, v7).
   */
  readonly named?: { readonly args: Expression; readonly callId?: Expression | undefined } | undefined
}

export interface CallChoice {
  /** Calls at most, 1 or more. Default Infinity. */
  readonly maxCalls?: number | undefined
  /** What the prompt has of the calls already: `[TOOL_CALLS]`, or all up to the arguments of the first one's only tool. */
  readonly begun?: 'nothing' | 'calls' | 'arguments' | undefined
  /** What may stand before the calls, or instead of them; undefined where a call must come at once. */
  readonly text?: Expression | undefined
}

const MORE = Number.POSITIVE_INFINITY
const ID = parseRegex('[a-zA-Z0-9]{9}')

/**
 * The answer of a model that may call tools, or must.
 * @throws SchemaError for the schema of a strict tool; `path` begins with `tools[i].parameters`
 */
export function compileToolCalls(
  tools: readonly CallableTool[],
  syntax: CallSyntax,
  choice: CallChoice = {},
  options: SchemaOptions = {},
): Expression {
  const { maxCalls = MORE, begun = 'nothing', text } = choice
  const writer = syntax.named === undefined ? new ArrayCalls(tools, options) : new NamedCalls(tools, syntax, options)
  const calls = writer.calls(maxCalls, begun === 'arguments')
  const whole = begun === 'nothing' ? sequence(syntax.begin, calls) : calls
  return text === undefined ? whole : sequence(text, optional(whole))
}

/**
 * The arguments of each tool. Those of strict ones are compiled now, and share what a schema may cost; those of others when an answer
 * comes to them, since nothing that is wrong with them is an error.
 */
function argumentsOf(tools: readonly CallableTool[], options: SchemaOptions): Expression[] {
  const object = { ...options, kind: 'object' } as const
  const any = compileSchema({}, object)
  const effort = new Effort(options.budget)
  const compiled = tools.map(({ name, parameters, strict }, i) => {
    if (parameters === undefined || parameters === null) return any
    if (!strict) return rule(name, () => loose(parameters, object) ?? any, true)
    try {
      return compileSchema(parameters, object, effort)
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      throw new SchemaError(`tools[${i}].parameters${error.path}`, error.fact, { cause: error })
    }
  })
  effort.refill()
  return compiled
}

/** undefined for a schema that is not supported. */
function loose(parameters: unknown, options: SchemaOptions): Expression | undefined {
  try {
    return compileSchema(parameters, options)
  } catch (error) {
    if (error instanceof SchemaError) return undefined
    throw error
  }
}

/** `[{"name": "f", "arguments": {…}, "id": "123456789"}, …]`, with ids or without. */
class ArrayCalls {
  readonly #space: Expression
  readonly #call: Expression
  readonly #rest: Expression

  constructor(tools: readonly CallableTool[], options: SchemaOptions) {
    const space = whitespaceOf(options)
    this.#space = space
    const key = (name: string) => sequence(space, literal(`"${name}"`), space, literal(':'), space)
    const id = sequence(literal(','), key('id'), jsonString(ID), space)
    const end = sequence(optional(id), literal('}'))
    const bodies = argumentsOf(tools, options).map((body) => sequence(body, end))
    this.#rest = either(...bodies)
    this.#call = sequence(
      literal('{'),
      key('name'),
      either(
        ...tools.map(({ name }, i) => {
          return sequence(
            literal(JSON.stringify(name)),
            space,
            literal(','),
            key('arguments'),
            rule(name, () => bodies[i]!),
          )
        }),
      ),
    )
  }

  calls(maxCalls: number, begun: boolean): Expression {
    const space = this.#space
    const more = repeat(sequence(literal(','), space, this.#call, space), 0, maxCalls - 1)
    const first = begun ? this.#rest : sequence(space, literal('['), space, this.#call)
    return sequence(first, space, more, literal(']'), space)
  }
}

/** `name[ARGS]{…}`, or `name[CALL_ID]123456789[ARGS]{…}`. */
class NamedCalls {
  readonly #begin: Expression
  readonly #call: Expression
  readonly #arguments: Expression

  constructor(tools: readonly CallableTool[], { begin, named }: CallSyntax, options: SchemaOptions) {
    const { args, callId } = named!
    const bodies = argumentsOf(tools, options)
    const id = callId === undefined ? [] : [optional(sequence(callId, utf8(ID)))]
    this.#begin = begin
    this.#arguments = either(...bodies)
    this.#call = either(
      ...tools.map(({ name }, i) =>
        sequence(
          literal(name),
          ...id,
          args,
          rule(name, () => bodies[i]!),
        ),
      ),
    )
  }

  calls(maxCalls: number, begun: boolean): Expression {
    const more = repeat(sequence(this.#begin, this.#call), 0, maxCalls - 1)
    return sequence(begun ? this.#arguments : this.#call, more)
  }
}
