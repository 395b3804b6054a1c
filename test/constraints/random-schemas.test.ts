/**
 * Random schemas against ajv: what ajv calls valid is what the expression accepts, and what the automaton writes is valid by ajv. With
 * SCHEMAS=5000 in the environment there are as many (and SEED chooses others).
 */
import { describe, expect, it } from 'vitest'
import type { Expression } from '../../src/constraints/expression.ts'
import { compileSchema, SchemaError } from '../../src/constraints/json-schema.ts'
import { ConstraintError } from '../../src/errors.ts'
import { accepts } from '../reference/expression-matcher.ts'
import { patience } from '../support/patience.ts'
import { type Random, randomSchema, randomText, randomValue } from '../support/random-schemas.ts'
import { SchemaOracle } from '../support/schema-oracle.ts'
import { automatonOf, randomOf } from './support.ts'

const COUNT = Number(process.env.SCHEMAS ?? 200)
const SEED = Number(process.env.SEED ?? 1)

/** @returns undefined when nothing is written in time, or with the work that an automaton may take */
function written(expression: Expression, random: Random): string | undefined {
  try {
    return randomText(automatonOf(expression), random)
  } catch (error) {
    if (error instanceof ConstraintError && error.limit === 'work') return undefined
    throw error
  }
}

describe('random schemas', () => {
  const counts = { accepted: 0, refused: 0, written: 0, impossible: 0, unsure: 0 }
  const unsupported = new Map<string, number>()

  it(`${COUNT} of them mean what ajv says`, { timeout: patience(1_200_000) }, () => {
    for (let i = 0; i < COUNT; i++) check(SEED * 1_000_000 + i)
    if (process.env.SCHEMAS !== undefined) console.log(counts, unsupported)
    expect(counts.accepted).toBeGreaterThan(COUNT)
    expect(counts.refused).toBeGreaterThan(COUNT)
    expect(counts.written).toBeGreaterThan(COUNT)
    expect([...unsupported.values()].reduce((all, n) => all + n, 0)).toBeLessThan(COUNT / 10)
  })

  function check(seed: number): void {
    const random = randomOf(seed)
    const schema = randomSchema(random)
    const where = `seed ${seed}: ${JSON.stringify(schema)}`
    const oracle = new SchemaOracle(schema)
    const texts = Array.from({ length: 25 }, () => JSON.stringify(randomValue(random), null, random(2)))
    const expression = compiled(schema, where)
    for (const text of texts) {
      const valid = oracle.verdict(text)
      if (valid === undefined) counts.unsure++
      else if (expression === 'unsupported') continue
      else if ((expression !== 'impossible' && accepts(expression, text)) !== valid) {
        throw new Error(`${where}\najv says ${valid} of ${text}`)
      } else counts[valid ? 'accepted' : 'refused']++
    }
    if (typeof expression === 'string') return
    for (let i = 0; i < 4; i++) {
      const text = written(expression, random)
      if (text === undefined) continue
      counts.written++
      if (oracle.verdict(text) === false) throw new Error(`${where}\najv refuses what was written: ${text}`)
    }
  }

  function compiled(schema: unknown, where: string): Expression | 'impossible' | 'unsupported' {
    try {
      return compileSchema(schema, { whitespace: 8 })
    } catch (error) {
      if (!(error instanceof SchemaError)) throw new Error(where, { cause: error })
      if (error.fact === 'no value is valid') {
        counts.impossible++
        return 'impossible'
      }
      unsupported.set(error.fact, (unsupported.get(error.fact) ?? 0) + 1)
      return 'unsupported'
    }
  }
})
