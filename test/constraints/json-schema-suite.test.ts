/** The JSON Schema Test Suite, draft 2020-12: every valid instance is accepted, every invalid one refused, or the schema is refused by name. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runSuite, suiteTable } from '../support/json-schema-suite.ts'

const results = runSuite()

/** Everything else must be decided. */
const MAY_BE_REFUSED = [
  /\/\$ref: "https?:\/\/(json-schema\.org|localhost:1234\/draft2019-09)\/.* is not in this schema, and nothing is fetched/,
  /\/\$schema: is no dialect/,
  /\/uniqueItems: uniqueItems is supported where/,
  /: multiples of 123456789 are not supported/,
  /\/format: the format "(regex|idn-hostname)" is not supported/,
]
/** Of the optional part: whole numbers with an exponent, and labels in Punycode that no automaton can check. */
const MAY_BE_WRONG = /bignum is an integer|optional overflow handling|^validation of A-label/

describe('the JSON Schema Test Suite', () => {
  it.each(results.map((result) => [result.file, result] as const))(
    '%s',
    (file, { accepted, refused, wrong, unsupported }) => {
      expect(wrong.filter((test) => !file.startsWith('optional/') || !MAY_BE_WRONG.test(test))).toEqual([])
      const unexpected = unsupported.filter(({ reason }) => !MAY_BE_REFUSED.some((pattern) => pattern.test(reason)))
      expect(unexpected).toEqual([])
      expect(accepted + refused + wrong.length + unsupported.length).toBeGreaterThan(0)
    },
  )

  it('most of it is decided', () => {
    const main = results.filter(({ file }) => !file.startsWith('optional/'))
    const sum = (of: (result: (typeof results)[number]) => number) => main.reduce((all, result) => all + of(result), 0)
    expect(sum(({ accepted }) => accepted)).toBeGreaterThan(600)
    expect(sum(({ refused }) => refused)).toBeGreaterThan(450)
    expect(sum(({ unsupported }) => unsupported.reduce((all, { tests }) => all + tests, 0))).toBeLessThan(50)
  })

  it('the table in docs/structured-output.md is the one that print-suite.ts prints', () => {
    const docs = readFileSync(new URL('../../docs/structured-output.md', import.meta.url), 'utf8')
    expect(docs).toContain(suiteTable(results))
  })
})
