/** `str` and `repr` of Python's values. */
import { pythonNumber } from '../../json/python.ts'
import { MARK, OWN } from '../marks.ts'
import { limitError } from './errors.ts'
import {
  Callable,
  Dict,
  isNumber,
  Namespace,
  PythonObject,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts'

/** Characters that `str.isprintable` refuses, but for the space. A mark in a user's text is no character of it. */
const UNPRINTABLE = /\ufdd0[\ufdd1-\ufdd3]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu
const MAX_DEPTH = 500

/** `str(value)` */
export function str(value: Value): string {
  return typeof value === 'string' ? value : value instanceof Undefined ? '' : repr(value)
}

/** `repr(value)` */
export function repr(value: Value, depth = 0): string {
  if (depth > MAX_DEPTH) throw limitError(`values nested deeper than ${MAX_DEPTH} levels cannot be printed`)
  const inner = (item: Value) => repr(item, depth + 1)
  if (typeof value === 'string') return quoted(value)
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (isNumber(value)) return pythonNumber(value as number)
  if (value instanceof Tuple) return `(${value.map(inner).join(', ')}${value.length === 1 ? ',' : ''})`
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`
  if (value instanceof Dict) {
    return `{${Array.from(value, ([key, item]) => `${inner(key)}: ${inner(item)}`).join(', ')}}`
  }
  if (value instanceof View) return `${typeName(value)}([${Array.from(value, inner).join(', ')}])`
  if (value instanceof Range) {
    return `range(${value.start}, ${value.stop}${value.step === 1 ? '' : `, ${value.step}`})`
  }
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Namespace) return `<Namespace ${inner(value.fields)}>`
  if (value instanceof Callable && value.attributes.size > 0) return `<Macro ${quoted(value.name)}>`
  if (value instanceof PythonObject && value.repr !== undefined) return value.repr()
  // Python adds an address here, which is another one each time.
  return `<${typeName(value)} object${value instanceof PythonObject ? '' : ' of a template'}>`
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replace(UNPRINTABLE, printed)
  return quote + escaped + quote
}

function printed(char: string): string {
  if (char.length === 2 && char[0] === MARK && char[1] !== OWN) return char
  return SHORT[char] ?? hexEscape(char.codePointAt(0) as number)
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function hexEscape(code: number): string {
  const [letter, width] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : ['U', 8]
  return `\\${letter}${code.toString(16).padStart(width as number, '0')}`
}
