/** The template engine against transformers' jinja2, case by case. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { ConversationError } from '../../../src/errors.ts'
import { parseJson } from '../../../src/json/parse.ts'
import { PythonError } from '../../../src/tokenizer/jinja/errors.ts'
import { compileTemplate, type Program, renderTemplate } from '../../../src/tokenizer/jinja.ts'

/** What transformers did: one of the last four. */
interface Case {
  template: string
  values: string
  text?: string
  /** The words of `raise_exception`. */
  refused?: string
  /** The name of the error. */
  failed?: string
  syntax?: string
}

const fixture = JSON.parse(
  gunzipSync(readFileSync(new URL('../../fixtures/jinja/cases.json.gz', import.meta.url))).toString('utf8'),
) as {
  texts: string[]
  groups: Record<string, (Omit<Case, 'template' | 'values'> & Record<'template' | 'values', number>)[]>
}
const text = (at: number) => fixture.texts[at] as string
const groups = Object.entries(fixture.groups).map(([name, cases]): [string, Case[]] => [
  name,
  cases.map((c) => ({ ...c, template: text(c.template), values: text(c.values) })),
])

/** What this engine does, in the same words; `failed` without the name, which is not the same everywhere. */
function outcome({ template, values }: Case): object {
  let program: Program
  try {
    program = compileTemplate(template)
  } catch {
    return { syntax: true }
  }
  try {
    return { text: renderTemplate(program, parseJson(values) as Record<string, unknown>) }
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

it.each(groups)('%s', (_, cases) => {
  expect(cases.length).toBeGreaterThan(70)
  const wrong = cases.flatMap((c) => {
    const got = outcome(c)
    return isDeepStrictEqual(got, expected(c))
      ? []
      : [{ template: c.template, values: c.values, got, expected: expected(c) }]
  })
  expect(wrong).toEqual([])
})
