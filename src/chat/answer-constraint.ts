/** What the text of an answer must be like, as a constraint on its tokens. It is loaded for requests that say so. */
import type { Constraint } from '../constraints/constraint.ts'
import { CONTROL_MARK, control, controlBytes } from '../constraints/control.ts'
import { Engine } from '../constraints/engine.ts'
import { type Expression, either, literal, optional, sequence, utf8 } from '../constraints/expression.ts'
import { MistralError, ParameterError } from '../errors.ts'
import { entriesOf, fieldOf, isJsonObject } from '../json/value.ts'
import type { TextFormat } from '../sampling/text-params.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { ThinkingTokens } from './thoughts.ts'

export interface AnswerShape {
  readonly format: TextFormat
  /** How thoughts are marked, and whether the answer begins inside of one; undefined where it has none. */
  readonly thinking: (ThinkingTokens & { readonly open: boolean }) | undefined
  /** The answer drops the space that its first token begins with. */
  readonly begins: boolean
}

const engines = new WeakMap<Tokenizer, Engine>()

/**
 * Makes a constraint for each answer.
 * @throws ParameterError naming the parameter for what does not parse, is not supported, or passes a limit
 */
export async function answerConstraint(
  tokenizer: Tokenizer,
  endIds: readonly number[],
  { format, thinking, begins }: AnswerShape,
): Promise<() => Constraint> {
  const { name, value } = format
  try {
    const text = await readerOf(format)
    const key = keyOf([name, value, thinking])
    return engineOf(tokenizer, endIds).compile(key, () => withThoughts(text(), thinking), begins)
  } catch (error) {
    if (!(error instanceof MistralError) || error instanceof ParameterError) throw error
    throw new ParameterError(name, value, error.message, { cause: error })
  }
}

/** What makes the expression, once its code is loaded. */
async function readerOf({ name, value }: TextFormat): Promise<() => Expression> {
  switch (name) {
    case 'response_format': {
      const schema = schemaOf(value as object)
      const { compileSchema } = await import('../constraints/json-schema.ts')
      return () => compileSchema(schema)
    }
    case 'regex': {
      const { parseRegex } = await import('../constraints/regex.ts')
      return () => utf8(parseRegex(value as string))
    }
    case 'grammar': {
      const { compileGrammar } = await import('../constraints/gbnf.ts')
      return () => compileGrammar(value as string)
    }
    case 'choice':
      return () => either(...(value as readonly string[]).map(literal))
  }
}

const FORMAT_FIELDS = { json_object: ['type'], json_schema: ['type', 'json_schema'] }
/** Mistral's own clients call it `schema_definition`. */
const SCHEMA_FIELDS = ['name', 'description', 'schema', 'schema_definition', 'strict']

/** @throws ParameterError naming the field inside of `response_format` */
function schemaOf(format: object): unknown {
  const type = fieldOf(format, 'type') as keyof typeof FORMAT_FIELDS
  refuseOthers(format, FORMAT_FIELDS[type], 'response_format')
  if (type === 'json_object') return { type: 'object' }
  const named = fieldOf(format, 'json_schema')
  const at = 'response_format.json_schema'
  if (!isJsonObject(named)) throw new ParameterError(at, named, 'must be an object with a schema')
  refuseOthers(named, SCHEMA_FIELDS, at)
  for (const [field, type] of [
    ['name', 'string'],
    ['description', 'string'],
    ['strict', 'boolean'],
  ] as const) {
    const value = fieldOf(named, field) ?? undefined
    if (value !== undefined && typeof value !== type) {
      throw new ParameterError(`${at}.${field}`, value, `must be ${type === 'string' ? 'a string' : 'true or false'}`)
    }
  }
  const schema = fieldOf(named, 'schema') ?? fieldOf(named, 'schema_definition')
  if (schema === undefined || schema === null) throw new ParameterError(`${at}.schema`, schema, 'is required')
  return schema
}

function refuseOthers(value: object, fields: readonly string[], at: string): void {
  for (const [field, item] of entriesOf(value)) {
    if (!fields.includes(field) && item !== null) throw new ParameterError(`${at}.${field}`, item, 'is unknown')
  }
}

/** Undefined for what JSON does not hold: such a request is compiled by itself. */
function keyOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item))
  } catch {
    return undefined
  }
}

/** An answer may begin with a thought, or has begun with one. */
function withThoughts(text: Expression, thinking: AnswerShape['thinking']): Expression {
  if (thinking === undefined) return text
  const rest = sequence({ kind: 'any-bytes' }, control(thinking.end))
  return thinking.open ? sequence(rest, text) : sequence(optional(sequence(control(thinking.begin), rest)), text)
}

function engineOf(tokenizer: Tokenizer, endIds: readonly number[]): Engine {
  let engine = engines.get(tokenizer)
  if (engine === undefined) {
    const bytes = (id: number) => {
      if (id === tokenizer.unkId || tokenizer.idToToken(id) === undefined) return undefined
      if (tokenizer.isControl(id)) return controlBytes(id)
      const own = tokenizer.tokenBytes(id)
      return own.includes(CONTROL_MARK) ? undefined : own
    }
    engine = new Engine({ size: tokenizer.vocabSize, bytes, endIds })
    engines.set(tokenizer, engine)
  }
  return engine
}
