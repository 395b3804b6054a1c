/** What the keywords of one subschema say about each type, without those that bring in other subschemas whole. */
import { ANY_CHAR, type Text } from '../expression.ts'
import { PatternError, parseSearch } from '../regex.ts'
import { textAll, textRepeat } from '../text.ts'
import type { TextStates } from '../text-states.ts'
import type { SchemaDocument, SchemaNode } from './document.ts'
import { SchemaError } from './error.ts'
import { formatText } from './formats.ts'
import { Keyword } from './keyword-values.ts'
import { ANY_NUMBER, type Bound, commonNumbers, INTEGERS, isEmptyNumbers, type NumberSet } from './numbers.ts'
import { ANY_ARRAY, ANY_OBJECT, type ArraySet, type Contains, type Members, type ObjectSet } from './sets.ts'
import { ANY_SHAPE, type Shape } from './shape.ts'
import { ANY_STRING, listed, otherStrings, type StringSet, stringsOf, unitedStrings } from './strings.ts'
import { FALSE, type Term, TRUE } from './terms.ts'

const MORE = Number.POSITIVE_INFINITY
const TYPES = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object']

const NUMBERS = words('minimum maximum exclusiveMinimum exclusiveMaximum multipleOf')
const STRINGS = words('minLength maxLength pattern format')
const ARRAYS = words('items prefixItems additionalItems minItems maxItems uniqueItems contains minContains maxContains')
const OBJECTS = words(
  `properties patternProperties additionalProperties propertyNames required dependentRequired dependencies minProperties
  maxProperties`,
)

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/))
}

export interface KeywordContext {
  readonly document: SchemaDocument
  readonly states: TextStates
  /** `format` says what strings must be; else it is a note. */
  readonly formats: boolean
  /** The strings of a term, for `propertyNames`. */
  readonly stringsOf: (term: Term) => StringSet
}

/** The values that have what the keywords of each type ask for. @throws SchemaError */
export function localShape(node: SchemaNode, context: KeywordContext): Shape {
  const keyword = (name: string) => new Keyword(node, name)
  const says = (keywords: ReadonlySet<string>) => Object.keys(node.schema).some((name) => keywords.has(name))
  const types = typesOf(keyword('type'))
  const has = (type: string) => types === undefined || types.includes(type)
  const numbers = says(NUMBERS) ? numbersOf(keyword) : ANY_NUMBER
  const kinds = has('number') ? [numbers] : has('integer') ? [commonNumbers(numbers, INTEGERS)] : []
  const arrays = says(ARRAYS) ? arraysOf(node, keyword, context) : ANY_ARRAY
  const objects = says(OBJECTS) ? objectsOf(node, keyword, context) : ANY_OBJECT
  const strings = says(STRINGS) ? stringsIn(keyword, context) : ANY_STRING
  return {
    null: has('null'),
    true: has('boolean'),
    false: has('boolean'),
    numbers: kinds.filter((set) => !isEmptyNumbers(set)),
    strings: has('string') ? strings : listed(),
    arrays: has('array') && arrays.min <= arrays.max ? [arrays] : [],
    objects: has('object') && objects.min <= objects.max ? [objects] : [],
  }
}

type KeywordOf = (name: string) => Keyword

function typesOf(keyword: Keyword): readonly string[] | undefined {
  const { value } = keyword
  if (value === undefined) return undefined
  const types = Array.isArray(value) ? value : [value]
  if (!types.every((type) => TYPES.includes(type))) throw keyword.wrong(`must be of ${TYPES.join(', ')}`)
  return types
}

function numbersOf(keyword: KeywordOf): NumberSet {
  const bound = (name: string, open: boolean): Bound | undefined => {
    const value = keyword(name).number()
    return value && { value, open }
  }
  const step = keyword('multipleOf').number()
  if (step !== undefined && step.digits <= 0n) throw keyword('multipleOf').wrong('must be more than 0')
  const inner = { ...ANY_NUMBER, min: bound('minimum', false), max: bound('maximum', false), step }
  const outer = { ...ANY_NUMBER, min: bound('exclusiveMinimum', true), max: bound('exclusiveMaximum', true) }
  const joint = commonNumbers(inner, outer)
  return (joint.min ?? joint.max ?? joint.step) ? joint : ANY_NUMBER
}

function stringsIn(keyword: KeywordOf, { formats }: KeywordContext): StringSet {
  const [min, max] = [keyword('minLength').count() ?? 0, keyword('maxLength').count() ?? MORE]
  const texts: Text[] = []
  if (min > max) return listed()
  if (min > 0 || max < MORE) texts.push(textRepeat(ANY_CHAR, min, max))
  const pattern = keyword('pattern').text()
  if (pattern !== undefined) texts.push(patternText(pattern, keyword('pattern').path))
  const format = keyword('format').text()
  const known = format === undefined || !formats ? undefined : formatText(format, keyword('format').path)
  if (known !== undefined) texts.push(known)
  return texts.length === 0 ? ANY_STRING : stringsOf(textAll(...texts))
}

/** @throws SchemaError for what {@link PatternError} says */
export function patternText(pattern: string, path: string): Text {
  try {
    return parseSearch(pattern)
  } catch (cause) {
    if (!(cause instanceof PatternError)) throw cause
    throw new SchemaError(path, cause.message, { cause })
  }
}

function arraysOf(node: SchemaNode, keyword: KeywordOf, { document }: KeywordContext): ArraySet {
  const term = ({ value, path }: Keyword) => (value === undefined ? TRUE : document.term(value, path, node))
  // Before 2020 `items` was a list, and `additionalItems` was what `items` is now.
  const old = Array.isArray(keyword('items').value)
  const first = keyword(old ? 'items' : 'prefixItems')
  const others = keyword(old ? 'additionalItems' : 'items')
  const list = first.list() ?? []
  const contains = containsOf(keyword, term)
  const set: ArraySet = {
    prefix: list.map((item, i) => document.term(item, `${first.path}/${i}`, node)),
    rest: term(others),
    min: keyword('minItems').count() ?? 0,
    max: keyword('maxItems').count() ?? MORE,
    contains: contains === undefined ? [] : [contains],
    unique: keyword('uniqueItems').flag() ? keyword('uniqueItems').path : undefined,
    evaluated: !document.usesUnevaluated
      ? ANY_ARRAY.evaluated
      : { upTo: others.present ? MORE : list.length, terms: contains === undefined ? [] : [contains.term] },
    path: node.path,
  }
  const says =
    list.length > 0 || others.present || contains !== undefined || set.min > 0 || set.max < MORE || set.unique
  return says ? set : ANY_ARRAY
}

function containsOf(keyword: KeywordOf, term: (keyword: Keyword) => Term): Contains | undefined {
  const [min, max] = [keyword('minContains').count() ?? 1, keyword('maxContains').count() ?? MORE]
  if (!keyword('contains').present) return undefined
  return { from: 0, term: term(keyword('contains')), min, max }
}

function objectsOf(node: SchemaNode, keyword: KeywordOf, context: KeywordContext): ObjectSet {
  const { document, states } = context
  const members: Members[] = []
  let named: StringSet = listed()
  const add = (names: StringSet, schema: unknown, path: string): void => {
    const term = document.term(schema, path, node)
    members.push({ names, term })
  }
  const properties = keyword('properties').entries()
  for (const [name, schema, path] of properties) add(document.name(name), schema, path)
  named = listed(...properties.map(([name]) => name))
  for (const [pattern, schema, path] of keyword('patternProperties').entries()) {
    const names = stringsOf(patternText(pattern, path))
    add(names, schema, path)
    named = unitedStrings(named, names, states)
  }
  const others = keyword('additionalProperties')
  if (others.present) add(otherStrings(named, states), others.value, others.path)
  const names = keyword('propertyNames')
  if (names.present) {
    const allowed = context.stringsOf(document.term(names.value, names.path, node))
    if (allowed !== ANY_STRING) members.push({ names: otherStrings(allowed, states), term: FALSE })
  }
  const set: ObjectSet = {
    members,
    required: [...new Set(keyword('required').names())],
    dependents: dependentsOf(keyword),
    min: keyword('minProperties').count() ?? 0,
    max: keyword('maxProperties').count() ?? MORE,
    witnesses: [],
    evaluated: !document.usesUnevaluated ? listed() : others.present ? ANY_STRING : named,
    path: node.path,
  }
  const looked = document.usesUnevaluated && (others.present || named.values?.size !== 0)
  const says = members.length + set.required.length + set.dependents.length > 0 || set.min > 0 || set.max < MORE
  return says || looked ? set : ANY_OBJECT
}

function dependentsOf(keyword: KeywordOf): ObjectSet['dependents'] {
  const entries = [
    ...keyword('dependentRequired').entries(),
    ...keyword('dependencies')
      .entries()
      .filter(([, value]) => Array.isArray(value)),
  ]
  return entries
    .map(([name, value]) => [name, keyword('dependentRequired').names(value) ?? []] as const)
    .filter(([, required]) => required.length > 0)
}

/** `ANY_SHAPE` itself where nothing is said, since that costs nothing to combine. */
export function simplest(shape: Shape): Shape {
  const any =
    shape.null &&
    shape.true &&
    shape.false &&
    shape.numbers[0] === ANY_NUMBER &&
    shape.strings === ANY_STRING &&
    shape.arrays[0] === ANY_ARRAY &&
    shape.objects[0] === ANY_OBJECT
  return any ? ANY_SHAPE : shape
}
