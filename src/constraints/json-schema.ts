/** JSON schemas as constraints: what an answer must be written like so that it is JSON that the schema accepts. */
import type { Budget } from './budget.ts'
import { EMPTY, type Expression, sequence, utf8 } from './expression.ts'
import { SchemaDocument } from './schema/document.ts'
import { Emitter } from './schema/emit.ts'
import { Effort, SchemaError } from './schema/error.ts'
import { bothTerms } from './schema/terms.ts'
import { Values } from './schema/values.ts'
import { charsOf, textEither, textOptional, textRepeat, textSequence } from './text.ts'
import { TextStates } from './text-states.ts'

export { SchemaError } from './schema/error.ts'

export interface SchemaOptions {
  /** Spaces and tabs at the beginning of a new line at most; 0: no white space at all. Default 40. */
  readonly whitespace?: number | undefined
  /** `format` says what a string must be, as far as the format is known; else it is a note. Default true. */
  readonly formats?: boolean | undefined
  /** Schemas that `$ref` may lead to, by address; nothing is fetched. */
  readonly documents?: { readonly [address: string]: unknown } | undefined
  /** `object`: of the values that the schema accepts, objects only. Default `value`. */
  readonly kind?: 'object' | 'value' | undefined
  /** What the schema costs is taken from here too, until it is compiled. */
  readonly budget?: Budget | undefined
}

const WHITESPACE = 40

/**
 * JSON that a schema of draft 2020-12 accepts. Members come in any order, no listed name comes twice, and white space is free
 * within bounds.
 * @param shared what several schemas may cost together; the caller refills it
 * @throws SchemaError with the place in the schema of what is wrong, not supported, or too complex, and when no value is valid
 */
export function compileSchema(schema: unknown, options: SchemaOptions = {}, shared?: Effort): Expression {
  try {
    const { formats = true, documents, kind } = options
    const document = new SchemaDocument(schema, documents)
    const [texts, effort] = [new TextStates(), shared ?? new Effort(options.budget)]
    const values = new Values(document, effort, texts, formats)
    const root = kind === 'object' ? bothTerms(document.root, document.objects) : document.root
    if (!values.has(root)) throw new SchemaError('#', 'no value is valid')
    const emitter = new Emitter(values, texts, whitespaceOf(options))
    emitter.check(root)
    if (shared === undefined) effort.refill()
    return sequence(emitter.space, emitter.value(root), emitter.space)
  } catch (error) {
    // The stack ends where schemas lead into each other deeper than any that is of use.
    if (error instanceof RangeError) throw new SchemaError('#', 'is nested too deep', { cause: error })
    throw error
  }
}

/** Any JSON value, or any object. */
export function anyJson(kind: 'object' | 'value' = 'value', options: SchemaOptions = {}): Expression {
  return compileSchema({}, { ...options, kind })
}

/**
 * White space between two tokens of JSON: a space, or a new line with its indentation. That is as much as writers of JSON use, and
 * not so much that a model that is unsure can go on with it for long.
 */
export function whitespaceOf({ whitespace = WHITESPACE }: SchemaOptions): Expression {
  if (whitespace === 0) return EMPTY
  const line = textSequence(textOptional(charsOf('\r')), charsOf('\n'), textRepeat(charsOf(' \t'), 0, whitespace))
  return utf8(textEither(textOptional(charsOf(' ')), line))
}
