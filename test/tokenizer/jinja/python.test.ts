/** The template engine against transformers' jinja2, case by case. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ConversationError } from '../../../src/errors.ts'
import { parseJson } from '../../../src/json/parse.ts'
import { PythonError } from '../../../src/tokenizer/jinja/errors.ts'
import { compileTemplate, type Program, renderTemplate } from '../../../src/tokenizer/jinja.ts'

/** What transformers did: one of the last four. */
interface Case {
  template: string
  values: number
  text?: string
  /** The words of `raise_exception`. */
  refused?: string
  /** The name of the error. */
  failed?: string
  syntax?: string
}

const fixture = JSON.parse(
  gunzipSync(readFileSync(new URL('../../fixtures/jinja/cases.json.gz', import.meta.url))).toString('utf8'),
) as { values: string[]; groups: Record<string, Case[]> }
const values = fixture.values.map((text) => parseJson(text) as Record<string, unknown>)

/** What this engine does, in the same words; `failed` without the name, which is not the same everywhere. */
function outcome({ template, values: at }: Case): object {
  let program: Program
  try {
    program = compileTemplate(template)
  } catch {
    return { syntax: true }
  }
  try {
    return { text: renderTemplate(program, values[at]!) }
  } catch (error) {
    if (error instanceof ConversationError) return { refused: error.message }
    const { message, cause } = error as Error
    // Anything else would be a fault of the engine.
    return cause instanceof PythonError ? { failed: true } : { message, cause }
  }
}

function expected({ text, refused, failed }: Case): object {
  if (text !== undefined) return { text }
  if (refused !== undefined) return { refused }
  return failed === undefined ? { syntax: true } : { failed: true }
}

describe.each(Object.entries(fixture.groups))('%s', (_, cases) => {
  it.each(cases.map((c, i): [number, string, Case] => [i, c.template.slice(0, 80), c]))('%i: %s', (_, __, c) => {
    expect(outcome(c)).toEqual(expected(c))
  })
})
