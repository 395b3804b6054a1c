/**
 * Jinja as transformers sets it up for chat templates: jinja2's immutable sandbox with `trim_blocks` and `lstrip_blocks`, a
 * `tojson` that escapes nothing, `raise_exception`, `strftime_now`, `break`, `continue` and `generation`.
 *
 * `jinja/` follows jinja2 and Python, not JavaScript: texts are counted in characters, `4 / 2` is `2.0`, `True == 1` and
 * `'1' != 1`, lists print as in Python, filters give generators. What cannot be had (other templates, random choices, a few
 * filters for web pages) is refused when a template is loaded. On purpose two things differ: `safe` and `escape` give plain
 * text, since Python's `Markup` would turn the quotes of JSON beside it into `&#34;`, which no model was trained on; and a
 * function or a generator prints without its address in memory, which is another one each time.
 */
import { ChatTemplateError, ConversationError } from '../errors.ts'
import type { Statement } from './jinja/ast.ts'
import { PythonError } from './jinja/errors.ts'
import { GLOBALS, TemplateRefusal } from './jinja/globals.ts'
import { Interpreter } from './jinja/interpreter.ts'
import { parseTemplate } from './jinja/parser.ts'
import { fromJson, type Value } from './jinja/values.ts'
import { check } from './jinja/walk.ts'

/** More than any published template by a factor of ten. */
const MAX_SOURCE_LENGTH = 1 << 18

/** A parsed template. */
export type Program = readonly Statement[]

/** @throws ChatTemplateError when the source does not parse, or uses what is not supported */
export function compileTemplate(source: string): Program {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new ChatTemplateError(`the chat template has ${source.length} characters, the limit is ${MAX_SOURCE_LENGTH}`)
  }
  try {
    const program = parseTemplate(source)
    check(program)
    return program
  } catch (error) {
    throw new ChatTemplateError(`the chat template does not parse: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * The text that a template gives.
 * @param variables plain data, as `JSON.parse` or `parseJson` gives it
 * @throws ConversationError with the template's own words where it calls `raise_exception`
 * @throws ChatTemplateError where it fails, or takes more time or memory than a template may
 */
export function renderTemplate(program: Program, variables: Readonly<Record<string, unknown>>): string {
  const names = new Map<string, Value>(GLOBALS)
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) names.set(name, fromJson(value))
  const interpreter = new Interpreter(names)
  try {
    return interpreter.run(program)
  } catch (error) {
    if (error instanceof TemplateRefusal) throw new ConversationError(error.message)
    const name = error instanceof PythonError ? `${error.name}: ` : ''
    throw new ChatTemplateError(`the chat template failed in line ${interpreter.line}: ${name}${messageOf(error)}`, {
      cause: error,
    })
  }
}

function messageOf(error: unknown): string {
  // The engine recurses where a template nests, and a stack is no bug of the caller's.
  if (error instanceof RangeError || (error as Error)?.name === 'InternalError') return 'it is nested too deep'
  return error instanceof Error ? error.message : String(error)
}
