/** Hostile constraints end in an error that has a type, or are no harm: nothing hangs, and nothing else is thrown. */
import { describe, expect, it } from 'vitest'
import type { Budget } from '../../src/constraints/budget.ts'
import { Engine } from '../../src/constraints/engine.ts'
import { type Expression, utf8 } from '../../src/constraints/expression.ts'
import { compileGrammar } from '../../src/constraints/gbnf.ts'
import { compileSchema } from '../../src/constraints/json-schema.ts'
import { parseRegex } from '../../src/constraints/regex.ts'
import { compileToolCalls } from '../../src/constraints/tool-calls.ts'
import { MistralError } from '../../src/errors.ts'
import { type HostileConstraint, hostileConstraints } from '../support/hostile-constraints.ts'
import { randomOf } from './support.ts'

/** A token for each byte, in their order, and one that ends an answer. */
const BYTES = { size: 257, bytes: (id: number) => (id < 256 ? Uint8Array.of(id) : undefined), endIds: [256] }
const TOKENS = 24

function expressionOf({ kind }: HostileConstraint, value: unknown, budget: Budget): Expression {
  if (kind === 'schema') return compileSchema(value, { budget })
  return kind === 'regex' ? utf8(parseRegex(value as string)) : compileGrammar(value as string)
}

/** Writes what may come at random. @returns what it ended with */
function written(make: (budget: Budget) => Expression, seed: number): 'an answer' | MistralError {
  const random = randomOf(seed)
  try {
    const constraint = new Engine(BYTES).compile(undefined, make, false)()
    for (let i = 0; i < TOKENS && !constraint.done; i++) {
      const mask = constraint.mask()
      const ids = Array.from({ length: BYTES.size }, (_, id) => id).filter((id) => (mask[id >>> 5]! >>> (id & 31)) & 1)
      // Whatever was begun can be ended.
      expect(ids).not.toEqual([])
      constraint.prepare()
      constraint.expected(7)
      constraint.accept(ids[random(ids.length)]!)
    }
    return 'an answer'
  } catch (error) {
    if (error instanceof MistralError) return error
    throw error
  }
}

describe('hostile constraints', () => {
  it.each(hostileConstraints().map((input) => [`${input.kind}: ${input.name}`, input] as const))('%s', (_, input) => {
    const value = input.make()
    const ends = [1, 2].map((seed) => written((budget) => expressionOf(input, value, budget), seed))
    for (const end of ends) if (end instanceof MistralError) expect(end.message.length).toBeLessThan(1000)
  })

  it.each(
    hostileConstraints()
      .filter(({ kind }) => kind === 'schema')
      .map((input) => [input.name, input] as const),
  )('as parameters of a tool: %s', (_, input) => {
    const parameters = input.make()
    const begin = utf8(parseRegex('!'))
    const calls = (strict: boolean) => (budget: Budget) =>
      compileToolCalls([{ name: 'f', parameters, strict }], { begin }, { begun: 'arguments' }, { budget })
    written(calls(true), 1)
    written(calls(false), 1)
  })
})
