/**
 * Random schemas against ajv: what ajv calls valid is what the automaton accepts, and what the automaton writes is valid by ajv. With
 * SCHEMAS=5000 in the environment there are as many (and SEED chooses others).
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import type { Expression } from '../../src/constraints/expression.ts'
import { compileSchema, SchemaError } from '../../src/constraints/json-schema.ts'
import { ConstraintError } from '../../src/errors.ts'
import { accepts } from '../reference/expression-matcher.ts'
import { type Random, randomSchema, randomText, randomValue } from '../support/random-schemas.ts'
import { automatonOf, randomOf } from './support.ts'

const COUNT = Number(process.env.SCHEMAS ?? 200)
const SEED = Number(process.env.SEED ?? 1)

/** Without it ajv divides doubles. */
const ajv = new Ajv2020({ strict: false, allowUnionTypes: true, multipleOfPrecision: 9, validateFormats: true })
addFormats.default(ajv)

/** @returns undefined when nothing is written in time, or with the work that an automaton may take */
function written(expression: Expression, random: Random): string | undefined {
  try {
    return randomText(automatonOf(expression), random)
  } catch (error) {
    if (error instanceof ConstraintError && error.limit === 'work') return undefined
    throw error
  }
}

function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((all: number, item) => all + namesIn(item), own)
}

describe('random schemas', () => {
  const counts = { accepted: 0, refused: 0, written: 0, impossible: 0 }
  const unsupported = new Map<string, number>()

  it(`${COUNT} of them mean what ajv says`, { timeout: 1_200_000 }, () => {
    for (let i = 0; i < COUNT; i++) check(SEED * 1_000_000 + i)
    console.log(counts, unsupported)
    expect(counts.accepted).toBeGreaterThan(COUNT)
    expect(counts.refused).toBeGreaterThan(COUNT)
    expect(counts.written).toBeGreaterThan(COUNT)
    expect([...unsupported.values()].reduce((all, n) => all + n, 0)).toBeLessThan(COUNT / 20)
  })

  function check(seed: number): void {
    const random = randomOf(seed)
    const schema = randomSchema(random)
    const where = `seed ${seed}: ${JSON.stringify(schema)}`
    // ajv does not count items that `contains` has looked at, as the standard and its tests do.
    if (where.includes('"contains"') && where.includes('"unevaluatedItems"')) return
    // By ajv 8.20 an empty array contains what the array before it does.
    const isUnsure = (text: string) => where.includes('"contains"') && /\[\s*\]/.test(text)
    const validate = ajv.compile(schema as object)
    const values = Array.from({ length: 25 }, () => randomValue(random))
    let expression: ReturnType<typeof compileSchema>
    try {
      expression = compileSchema(schema, { whitespace: 8 })
    } catch (error) {
      if (!(error instanceof SchemaError)) throw new Error(where, { cause: error })
      if (error.fact === 'no value is valid') {
        counts.impossible++
        expect([where, values.filter((value) => validate(value))]).toEqual([where, []])
      } else unsupported.set(error.fact, (unsupported.get(error.fact) ?? 0) + 1)
      return
    }
    for (const value of values) {
      const text = JSON.stringify(value, null, random(2))
      const valid = validate(value)
      // Multiples are spelled without an exponent only.
      if (/\de[+-]\d/.test(text) && where.includes('multipleOf')) continue
      if (isUnsure(text)) continue
      if (accepts(expression, text) !== valid) throw new Error(`${where}\najv says ${valid} of ${text}`)
      counts[valid ? 'accepted' : 'refused']++
    }
    for (let i = 0; i < 4; i++) {
      const text = written(expression, random)
      // Numbers are exact here; ajv sees the doubles that are next to them.
      if (text === undefined || /[\d.]{16}/.test(text)) continue
      // An unlisted name can come twice, and is then one member less than was counted.
      if (namesIn(JSON.parse(text)) < (text.match(/"(?:[^"\\]|\\.)*"\s*:/g)?.length ?? 0)) continue
      if (!isUnsure(text) && !validate(JSON.parse(text)))
        throw new Error(`${where}\najv refuses what was written: ${text}`)
      counts.written++
    }
  }
})
