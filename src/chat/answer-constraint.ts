/** What the text of an answer must be like, as a constraint on its tokens. It is loaded for requests that say so. */
import type { Budget } from '../constraints/budget.ts'
import type { Constraint } from '../constraints/constraint.ts'
import { CONTROL_MARK, control, controlBytes } from '../constraints/control.ts'
import { Engine } from '../constraints/engine.ts'
import { type Expression, either, literal, optional, sequence, utf8 } from '../constraints/expression.ts'
import type { TextConstraint } from '../constraints/text-constraint.ts'
import { MistralError, ParameterError } from '../errors.ts'
import { entriesOf, fieldOf, isJsonObject } from '../json/value.ts'
import type { TextFormat } from '../sampling/text-params.ts'
import { checkMessages, continuesLast } from '../tokenizer/chat-messages.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { AnswerOptions } from './answer.ts'
import type { ParsedRequest } from './request.ts'
import type { ThinkingTokens } from './thoughts.ts'
import { type CallShape, callShape } from './tool-tokens.ts'
import { WakingConstraint } from './waking-constraint.ts'

export interface AnswerShape {
  /** What the text must be like; undefined where it is free. */
  readonly format: TextFormat | undefined
  /** How thoughts are marked, and whether the answer begins inside of one; undefined where it has none. */
  readonly thinking: (ThinkingTokens & { readonly open: boolean }) | undefined
  /** The answer drops the space that its first token begins with. */
  readonly begins: boolean
  /** What may be called; undefined without tools. */
  readonly tools: CallShape | undefined
  /** What the text begins with: it stands before the answer. */
  readonly prefix: string
}

/** @throws ParameterError where the caller has a constraint of its own besides */
export function answerShape(
  tokenizer: Tokenizer,
  { params, messages, tools: plan, reasoning_effort: effort }: ParsedRequest,
  { after, thinking, tools }: Omit<AnswerOptions, 'index'>,
  own: unknown,
): AnswerShape {
  const { format, constrain_prefix: together } = params.text
  if (own !== undefined) throw new ParameterError('constraint', own, `cannot be combined with ${format?.name}`)
  return {
    format,
    thinking: thinking?.open || effort !== 'none' ? thinking : undefined,
    begins: tokenizer.stream(after === undefined ? {} : { after }).begins,
    tools: tools && callShape(plan, tools.tokens),
    prefix: together ? begunText(messages) : '',
  }
}

/** The assistant's text that an answer goes on with. */
function begunText(messages: ParsedRequest['messages']): string {
  if (messages === undefined) return ''
  const last = checkMessages(messages.slice(-1))
  if (!continuesLast(last)) return ''
  const content = last[0]!.content ?? ''
  if (typeof content === 'string') return content
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/** Makes an expression once its code is loaded; what that costs is taken from the budget. */
type MakeExpression = (budget: Budget) => Expression

const engines = new WeakMap<Tokenizer, Engine>()

/**
 * Makes a constraint for each answer.
 * @throws ParameterError naming the parameter for what does not parse, is not supported, or passes a limit
 */
export async function answerConstraint(
  tokenizer: Tokenizer,
  endIds: readonly number[],
  { format, thinking, begins, tools, prefix }: AnswerShape,
): Promise<() => Constraint> {
  const { name, value } = format ?? { name: 'tools', value: tools?.list }
  try {
    const engine = engineOf(tokenizer, endIds)
    const text = format && (await readerOf(format))
    const calls = tools && (await callsOf(tools))
    const key = keyOf([name, value, thinking, tools && [tools.list, tools.maxCalls, tools.begun]])
    if (calls !== undefined && tools!.begun !== 'nothing') return engine.compile(key, calls, false)
    if (text === undefined) return waking(tools!.tokens.begin, engine.compile(key, calls!, false))
    const whole: MakeExpression = (budget) =>
      withThoughts(calls === undefined ? text(budget) : either(text(budget), calls(budget)), thinking)
    return after(prefix, name, engine.compile(key, whole, begins))
  } catch (error) {
    if (!(error instanceof MistralError) || error instanceof ParameterError) throw error
    throw new ParameterError(name, value, error.message, { cause: error })
  }
}

/** @throws ParameterError where no text begins with the prefix */
function after(prefix: string, name: string, make: () => TextConstraint): () => Constraint {
  if (prefix === '') return make
  const begun = make()
  if (!begun.begin(prefix)) throw new ParameterError(name, prefix, 'allows no text that begins so')
  return () => begun.fork()
}

/** What makes the expression of the calls; where the text before them is free, of what comes after their beginning. */
async function callsOf({ list, tokens, maxCalls, begun }: CallShape): Promise<MakeExpression> {
  const { compileToolCalls } = await import('../constraints/tool-calls.ts')
  const controlOf = (wanted: string) => {
    const [id] = [...tokens.controls].find(([, name]) => name === wanted) ?? []
    return id === undefined ? undefined : control(id)
  }
  const args = controlOf('[ARGS]')
  const syntax = { begin: control(tokens.begin), named: args && { args, callId: controlOf('[CALL_ID]') } }
  const callable = list.map(({ function: { name, parameters, strict } }) => ({
    name,
    parameters,
    strict: strict === true,
  }))
  return (budget) => compileToolCalls(callable, syntax, { maxCalls, begun }, { budget })
}

/** Nothing is asked of the tokens before the one that begins calls. */
function waking(begin: number, make: () => TextConstraint): () => Constraint {
  return () => new WakingConstraint(begin, make())
}

/** What makes the expression, once its code is loaded. */
async function readerOf({ name, value }: TextFormat): Promise<MakeExpression> {
  switch (name) {
    case 'response_format': {
      const schema = schemaOf(value as object)
      const { compileSchema } = await import('../constraints/json-schema.ts')
      return (budget) => compileSchema(schema, { budget })
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

/** Values of a request that are written down to find its constraint again. */
const MOST_VALUES = 20_000

/** Undefined for what JSON does not hold, and for what is large: a schema whose parts are shared can have billions of them when written out. */
function keyOf(value: unknown): string | undefined {
  let left = MOST_VALUES
  try {
    return JSON.stringify(value, (_, item) => {
      if (--left < 0) throw new RangeError()
      return typeof item === 'bigint' ? `${item}n` : item
    })
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
    const firstBytes = (id: number) => {
      const own = tokenizer.tokenBytes(id, { begins: true })
      if (own.length > 0) return own
      // Where spaces are dropped until there is text, the next token loses its own too.
      const stream = tokenizer.stream()
      stream.push(id)
      return stream.begins ? undefined : own
    }
    engine = new Engine({ size: tokenizer.vocabSize, bytes, firstBytes, endIds })
    engines.set(tokenizer, engine)
  }
  return engine
}
