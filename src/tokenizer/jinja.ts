/** Jinja as Hugging Face sets it up for chat templates, with `@huggingface/jinja` underneath. */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import { ChatTemplateError } from '../errors.ts'
import { strftime } from './strftime.ts'

/** More than any published template by a factor of ten. */
const MAX_SOURCE_LENGTH = 1 << 18
/** Entries of one `range()`: a template comes with the checkpoint and must not fill the memory. */
const MAX_RANGE = 100_000

/** A parsed template. */
export type Program = ReturnType<typeof parse>

/** @throws ChatTemplateError when the source does not parse */
export function compileTemplate(source: string): Program {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new ChatTemplateError(`the chat template has ${source.length} characters, the limit is ${MAX_SOURCE_LENGTH}`)
  }
  try {
    return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
  } catch (error) {
    throw new ChatTemplateError(`the chat template does not parse: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * The text that a template gives.
 * @throws ChatTemplateError with the template's own words where it calls `raise_exception`
 */
export function renderTemplate(program: Program, variables: Readonly<Record<string, unknown>>): string {
  // Not the library's `Template`: its `strftime_now` speaks the user's language, and globals cannot be replaced there.
  const env = new Environment()
  const globals = { true: true, false: false, none: null, True: true, False: false, None: null, range }
  const functions = { strftime_now: (format: unknown) => strftime(new Date(), String(format)), raise_exception: raise }
  for (const [name, value] of Object.entries({ ...globals, ...functions, ...variables })) env.set(name, value)
  try {
    return String(new Interpreter(env).run(program).value)
  } catch (error) {
    if (error instanceof ChatTemplateError) throw error
    throw new ChatTemplateError(`the chat template failed: ${messageOf(error)}`, { cause: error })
  }
}

function raise(message: unknown): never {
  throw new ChatTemplateError(String(message))
}

/** Python's `range`. */
function range(first: number, second?: number, step = 1): number[] {
  const [from, to] = second === undefined ? [0, first] : [first, second]
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (!(length <= MAX_RANGE)) throw new ChatTemplateError(`the chat template asks for range() of ${length} numbers`)
  return Array.from({ length }, (_, i) => from + i * step)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
