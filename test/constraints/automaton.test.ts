/** The automaton against a reader that tries everything, and its limits. */
import { describe, expect, it } from 'vitest'
import {
  ANY_TEXT,
  type Expression,
  either,
  jsonString,
  literal,
  repeat,
  rule,
  sequence,
  utf8,
} from '../../src/constraints/expression.ts'
import { ConstraintError } from '../../src/errors.ts'
import { matches } from './reference.ts'
import { ALPHABET, automatonOf, bytesOf, randomGrammar, randomOf, run } from './support.ts'

function accepts(expression: Expression, text: string): boolean {
  return run(automatonOf(expression), bytesOf(text)).accepting
}

/** Random inputs: some walk along the automaton, so that many of them match. */
function randomInput(random: (below: number) => number, automaton: ReturnType<typeof automatonOf>): Uint8Array {
  if (random(3) === 0) {
    const text = Array.from({ length: random(5) }, () => ALPHABET[random(ALPHABET.length)]).join('')
    return bytesOf(random(3) === 0 ? JSON.stringify(text) : text)
  }
  const bytes: number[] = []
  let state = automaton.start
  for (let i = 0; i < 12 && !(state.accepting && random(3) === 0); i++) {
    automaton.budget.renew()
    const possible = Array.from({ length: 256 }, (_, byte) => byte).filter(
      (byte) => automaton.step(state, byte) !== null,
    )
    if (possible.length === 0) break
    const byte = possible[random(possible.length)]!
    bytes.push(byte)
    state = automaton.step(state, byte)!
  }
  if (random(4) === 0 && bytes.length > 0) bytes[random(bytes.length)] = random(256)
  return Uint8Array.from(bytes)
}

describe('the automaton', () => {
  it('accepts what random expressions match, and nothing else', () => {
    const random = randomOf(1)
    let matched = 0
    let empty = 0
    for (let round = 0; round < 1500; round++) {
      const expression = randomGrammar(random)
      let automaton: ReturnType<typeof automatonOf>
      try {
        automaton = automatonOf(expression)
      } catch (error) {
        if (!(error instanceof ConstraintError)) throw error
        empty++
        continue
      }
      for (let i = 0; i < 8; i++) {
        automaton.budget.renew()
        const input = randomInput(random, automaton)
        const expected = matches(expression, input)
        if (expected) matched++
        const shown = JSON.stringify(expression, (key, value) =>
          key === 'bytes' ? new TextDecoder().decode(value) : value,
        )
        expect(run(automaton, input).accepting, `round ${round}: ${shown} on [${input}]`).toBe(expected)
      }
    }
    expect(matched).toBeGreaterThan(2000)
    expect(empty).toBeLessThan(500)
  })

  it('leads from each state it lets in to an end', () => {
    const random = randomOf(2)
    for (let round = 0; round < 300; round++) {
      let automaton: ReturnType<typeof automatonOf>
      try {
        automaton = automatonOf(randomGrammar(random))
      } catch {
        continue
      }
      let state = automaton.start
      for (let i = 0; i < 6; i++) {
        automaton.budget.renew()
        expect(endsSoon(automaton, state), `round ${round}`).toBe(true)
        const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter(
          (byte) => automaton.step(state, byte) !== null,
        )
        if (bytes.length === 0) break
        state = automaton.step(state, bytes[random(bytes.length)]!)!
      }
    }
  })

  it('reads every escape of JSON', () => {
    const text = jsonString({
      kind: 'sequence',
      items: [...'a"\n😀é'].map((char) => {
        const point = char.codePointAt(0)!
        return { kind: 'chars' as const, ranges: [[point, point]] as const }
      }),
    })
    expect(accepts(text, '"a\\"\\n😀é"')).toBe(true)
    expect(accepts(text, '"\\u0061\\u0022\\u000A\\uD83D\\ude00\\u00E9"')).toBe(true)
    expect(accepts(text, '"a\\"\\n\\uD83D\\u00e9"')).toBe(false)
    expect(accepts(text, '"a\\"\n😀é"')).toBe(false)
    expect(accepts(jsonString(ANY_TEXT), '"\\ud83d"')).toBe(false)
    expect(accepts(jsonString(ANY_TEXT), '"\\/\\b\\f\\r\\t\\\\"')).toBe(true)
  })

  it('counts to a thousand million without expanding', () => {
    const many = repeat(literal('ab'), 3, 1e9)
    expect(accepts(many, 'ababab')).toBe(true)
    expect(accepts(many, 'abab')).toBe(false)
    const text = utf8({ kind: 'repeat', item: { kind: 'chars', ranges: [[0x61, 0x62]] }, min: 1e9, max: 2e9 })
    expect(run(automatonOf(text), bytesOf('abab'.repeat(1000)))).toEqual({ alive: true, accepting: false })
  })

  it('nests without end, and repeats what may be nothing', () => {
    const list: Expression = rule('list', () => sequence(literal('['), repeat(list, 0, Infinity), literal(']')))
    expect(accepts(list, `${'['.repeat(5000)}${']'.repeat(5000)}`)).toBe(true)
    const nothing = repeat(repeat(literal('a'), 0, 2), 5, 1e9)
    expect(accepts(nothing, '')).toBe(true)
    expect(accepts(nothing, 'aaaaaaaaaaaaaaa')).toBe(true)
  })

  it('holds a hundred thousand choices', () => {
    const words = Array.from({ length: 100_000 }, (_, i) => literal(`word ${i * 7919}`))
    const automaton = automatonOf(either(...words))
    expect(run(automaton, bytesOf('word 7919')).accepting).toBe(true)
    expect(run(automaton, bytesOf('word 7920')).accepting).toBe(false)
  })

  it('reads a rule in the last place without depth', () => {
    const next: Expression = rule('next', () => either(sequence(literal('a'), next), literal('b')))
    expect(accepts(next, `${'a'.repeat(200_000)}b`)).toBe(true)
  })
})

describe('limits', () => {
  const loop: Expression = rule('loop', () => either(sequence(loop, literal('a')), literal('b')))
  const hidden: Expression = rule('hidden', () =>
    either(sequence(repeat(literal('x'), 0, 1), hidden, literal('a')), literal('b')),
  )
  const endless: Expression = rule('endless', () => sequence(literal('a'), endless))
  const self: Expression = rule('self', () => self)

  it.each([
    ['left recursion', loop],
    ['left recursion', hidden],
    ['empty', endless],
    ['empty', self],
    ['empty', either()],
  ])('refuses %s', (limit, expression) => {
    expect(() => automatonOf(expression)).toThrowError(expect.objectContaining({ name: 'ConstraintError', limit }))
  })

  it('takes no step into what cannot end', () => {
    const automaton = automatonOf(either(sequence(literal('ab'), endless), literal('ac')))
    expect(run(automaton, bytesOf('a')).alive).toBe(true)
    expect(run(automaton, bytesOf('ab')).alive).toBe(false)
  })

  it('ends hostile texts with an error', () => {
    const any = { kind: 'chars', ranges: [[0x61, 0x7a]] } as const
    const far = { kind: 'repeat', item: any, min: 1e9, max: Infinity } as const
    const hostile = utf8({
      kind: 'all',
      items: [far, { kind: 'not', item: { kind: 'repeat', item: any, min: 2e9, max: 3e9 } }],
    })
    expect(() => automatonOf(hostile)).toThrowError(ConstraintError)
  })

  it('reads nested repetitions whose counts multiply, or gives up', () => {
    const a = literal('a')
    const nested = repeat(repeat(repeat(either(a, literal('aa')), 1, 1000), 1, 1000), 1, 1000)
    const automaton = automatonOf(nested)
    let state = automaton.start
    const read = () => {
      for (let i = 0; i < 500; i++) {
        automaton.budget.renew()
        state = automaton.step(state, 0x61)!
      }
    }
    try {
      read()
    } catch (error) {
      expect(error).toBeInstanceOf(ConstraintError)
    }
  })
})

/** Whether some end can be reached from a state: a search by bytes, breadth first, as far as it gets. */
function endsSoon(automaton: ReturnType<typeof automatonOf>, start: ReturnType<typeof automatonOf>['start']): boolean {
  const seen = new Set([start])
  try {
    for (const state of seen) {
      if (state.accepting || seen.size > 1000) return true
      for (let byte = 0; byte < 256; byte++) {
        automaton.budget.renew()
        const next = automaton.step(state, byte)
        if (next !== null) seen.add(next)
      }
    }
  } catch (error) {
    // Some random grammars can be read in more ways than fit.
    if (error instanceof ConstraintError) return true
    throw error
  }
  return false
}
