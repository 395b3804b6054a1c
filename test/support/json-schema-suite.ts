/** Runs the JSON Schema Test Suite: what a compiled schema accepts against what the suite says. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { compileSchema, SchemaError } from '../../src/constraints/json-schema.ts'
import { accepts } from '../reference/expression-matcher.ts'

interface Suite {
  readonly files: Readonly<Record<string, readonly Group[]>>
  readonly remotes: Readonly<Record<string, unknown>>
}

interface Group {
  readonly description: string
  readonly schema: unknown
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[]
}

export interface SuiteResult {
  /** The file without its end, which is the keyword mostly. */
  readonly file: string
  accepted: number
  refused: number
  /** Instances on which automaton and suite differ: `group | test`. */
  readonly wrong: string[]
  /** Groups whose schema is refused, with the reason. */
  readonly unsupported: { readonly group: string; readonly tests: number; readonly reason: string }[]
}

const url = new URL('../fixtures/json-schema/suite.json.gz', import.meta.url)

export function runSuite(): SuiteResult[] {
  const suite = JSON.parse(gunzipSync(readFileSync(url)).toString()) as Suite
  return Object.entries(suite.files).map(([name, groups]) => {
    const result: SuiteResult = { file: name.replace('.json', ''), accepted: 0, refused: 0, wrong: [], unsupported: [] }
    for (const group of groups) runGroup(group, suite.remotes, result)
    return result
  })
}

function runGroup({ description, schema, tests }: Group, documents: Suite['remotes'], result: SuiteResult): void {
  // By itself a format is a note, which is what the files of the main part test.
  const formats = result.file.startsWith('optional/format/')
  let matches: (text: string) => boolean
  try {
    const expression = compileSchema(schema, { documents, formats })
    matches = (text) => accepts(expression, text)
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    if (error.fact !== 'no value is valid') {
      result.unsupported.push({ group: description, tests: tests.length, reason: `${error.path}: ${error.fact}` })
      return
    }
    matches = () => false
  }
  for (const { description: test, data, valid } of tests) {
    const texts = [JSON.stringify(data), JSON.stringify(data, null, 2), ` ${JSON.stringify(data, null, '\t')}\n`]
    if (texts.some((text) => matches(text) !== valid)) result.wrong.push(`${description} | ${test}`)
    else if (valid) result.accepted++
    else result.refused++
  }
}

/** The counts as a table in Markdown. */
export function suiteTable(results: readonly SuiteResult[]): string {
  const rows = results.map(({ file, accepted, refused, wrong, unsupported }) => {
    const left = unsupported.reduce((all, { tests }) => all + tests, 0)
    return `| ${file} | ${accepted} | ${refused} | ${wrong.length} | ${left} |`
  })
  const sum = (of: (result: SuiteResult) => number) => results.reduce((all, result) => all + of(result), 0)
  const left = sum(({ unsupported }) => unsupported.reduce((all, { tests }) => all + tests, 0))
  const total = `| **all** | ${sum((r) => r.accepted)} | ${sum((r) => r.refused)} | ${sum((r) => r.wrong.length)} | ${left} |`
  return [
    '| file | valid, accepted | invalid, refused | wrong | not supported |',
    '|---|---|---|---|---|',
    ...rows,
    total,
  ].join('\n')
}
