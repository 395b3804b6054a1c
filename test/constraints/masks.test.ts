/** Masks against the automaton asked token by token. */
import { describe, expect, it } from 'vitest'
import type { Automaton, State } from '../../src/constraints/automaton.ts'
import {
  ANY_CHAR,
  ANY_TEXT,
  either,
  jsonString,
  literal,
  sequence,
  type Text,
} from '../../src/constraints/expression.ts'
import { compileSchema } from '../../src/constraints/json-schema.ts'
import { Masks } from '../../src/constraints/masks.ts'
import { TextConstraint } from '../../src/constraints/text-constraint.ts'
import type { Vocabulary } from '../../src/constraints/vocabulary.ts'
import { ConstraintError } from '../../src/errors.ts'
import { ALPHABET, automatonOf, bytesOf, type Random, randomGrammar, randomOf, vocabularyOf } from './support.ts'

/** Characters, bytes, spaces before words, and pieces that cross the ends of terminals. */
function randomVocabulary(random: Random): Vocabulary {
  const tokens: (string | Uint8Array)[] = [...ALPHABET, ' ', ' a', ' "', '']
  for (let byte = 0; byte < 256; byte += 1 + random(3)) tokens.push(Uint8Array.of(byte))
  for (let i = 0; i < 150; i++) {
    const text = Array.from({ length: 1 + random(5) }, () => ALPHABET[random(ALPHABET.length)]).join('')
    const bytes = bytesOf(random(3) === 0 ? JSON.stringify(text) : text)
    tokens.push(random(4) === 0 ? bytes.subarray(random(2), Math.max(1, bytes.length - random(3))) : bytes)
  }
  return vocabularyOf(tokens)
}

function after(automaton: Automaton, start: State, bytes: Uint8Array): State | null {
  let state: State | null = start
  for (const byte of bytes) {
    automaton.budget.renew()
    state = state && automaton.step(state, byte)
  }
  return state
}

function allowed(mask: Uint32Array, size: number): number[] {
  return Array.from({ length: size }, (_, id) => id).filter((id) => ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1)
}

/** The tokens that can come, by asking for each. */
function expectedIds(vocabulary: Vocabulary, automaton: Automaton, state: State, begins: boolean): number[] {
  return Array.from({ length: vocabulary.size }, (_, id) => id).filter((id) => {
    if (vocabulary.endIds.includes(id)) return state.accepting
    const bytes = vocabulary.tokenBytes(id)
    const own = begins && bytes[0] === 0x20 ? bytes.subarray(1) : bytes
    return bytes.length > 0 && after(automaton, state, own) !== null
  })
}

describe('masks', () => {
  it('are told to be unchanged where they are, inside of a string', () => {
    const random = randomOf(5)
    const vocabulary = vocabularyOf([...'[]abc ,"\\n', 'ab', '", ', 'c"', '\\n', 'é', '""'])
    const automaton = automatonOf(compileSchema({ type: 'array', items: { type: 'string' } }))
    const masks = new Masks(vocabulary)
    let same = 0
    for (let round = 0; round < 40; round++) {
      const constraint = new TextConstraint(automaton, masks)
      expect(constraint.unchanged).toBe(false)
      let before = Array.from(constraint.mask())
      for (let i = 0; i < 30 && !constraint.done; i++) {
        const ids = allowed(Uint32Array.from(before), vocabulary.size)
        // Most begin a string, or stay inside of it.
        const having = (...bytes: number[]) => ids.filter((id) => bytes.includes(vocabulary.tokenBytes(id)[0] ?? 0))
        const some =
          [i % 8 === 7 ? [] : having(0x61, 0x62, 0x63), having(0x22), ids].find(({ length }) => length > 0) ?? []
        if (some.length === 0) break
        constraint.accept(some[random(some.length)]!)
        const { unchanged } = constraint
        // Asking twice is asking the same.
        expect(constraint.unchanged).toBe(unchanged)
        if (constraint.done) break
        const mask = Array.from(constraint.mask())
        if (unchanged) expect(mask).toEqual(before)
        if (unchanged) same++
        before = mask
      }
    }
    expect(same).toBeGreaterThan(100)
  })

  it('are what the automaton says of each token, in random grammars', () => {
    const random = randomOf(3)
    const vocabulary = randomVocabulary(random)
    const masks = new Masks(vocabulary)
    let checked = 0
    for (let round = 0; round < 250; round++) {
      let automaton: Automaton
      try {
        automaton = automatonOf(randomGrammar(random))
      } catch (error) {
        if (!(error instanceof ConstraintError)) throw error
        continue
      }
      const constraint = new TextConstraint(automaton, masks, random(2) === 0)
      let state: State = automaton.start
      let begins = constraint.begins
      for (let i = 0; i < 4; i++) {
        const ids = allowed(constraint.mask(), vocabulary.size)
        expect(ids, `round ${round}`).toEqual(expectedIds(vocabulary, automaton, state, begins))
        checked++
        const texts = ids.filter((id) => !vocabulary.endIds.includes(id))
        if (texts.length === 0) break
        const id = texts[random(texts.length)]!
        constraint.accept(id)
        const bytes = vocabulary.tokenBytes(id)
        state = after(automaton, state, begins && bytes[0] === 0x20 ? bytes.subarray(1) : bytes)!
        begins = false
      }
    }
    expect(checked).toBeGreaterThan(400)
  })

  it('know where counts are far away that they do not matter, and where they do', () => {
    const words = [
      'a',
      'aa',
      'aaa',
      'aaaaaaaa',
      'a'.repeat(20),
      `${'é'.repeat(9)}"`,
      'é',
      'éé',
      '"',
      'a"',
      '","',
      'aa",',
    ]
    const vocabulary = vocabularyOf(words)
    const masks = new Masks(vocabulary)
    const item: Text = ANY_CHAR
    for (const [min, max] of [
      [0, 20],
      [3, 9],
      [12, 30],
      [5, Infinity],
    ] as const) {
      const text = jsonString({ kind: 'repeat', item, min, max })
      const automaton = automatonOf(sequence(text, literal(','), text))
      let state = automaton.step(automaton.start, 0x22)
      for (let i = 0; i <= Math.min(max, 40); i++) {
        const constraint = new TextConstraint(automaton, masks, false, state!)
        expect(allowed(constraint.mask(), vocabulary.size), `${min}-${max} at ${i}`).toEqual(
          expectedIds(vocabulary, automaton, state!, false),
        )
        state = automaton.step(state!, 0x61)
      }
    }
  })

  it('are found from those of a text that is alike in most', () => {
    const words = [
      ...'nameNAMEx"\\,:{}[]1 é',
      'na',
      'name',
      'name"',
      'names"',
      'nam',
      'ame":',
      'x"',
      'x":',
      '","',
      '\\u0',
      'nx',
      'xn',
    ]
    const vocabulary = vocabularyOf([
      ...words,
      ...words.map((word) => `x${word}`),
      'x'.repeat(20),
      `${'x'.repeat(14)}"`,
    ])
    const masks = new Masks(vocabulary)
    const names = { properties: { name: {}, names: {}, n: {} }, maxProperties: 2 }
    const schemas: object[] = [
      { type: 'object', ...names, additionalProperties: { type: 'string', minLength: 1, maxLength: 30 } },
      { type: 'object', ...names, patternProperties: { '^x': { type: 'string' } }, propertyNames: { maxLength: 40 } },
      { type: 'string', pattern: '^[a-z]+$' },
      { type: 'string', pattern: '^[^n]' },
      { type: 'string', not: { enum: ['name', 'x'] } },
    ]
    const texts = [
      '',
      '{',
      '{"',
      '{"n',
      '{"na',
      '{"name',
      '{"namex',
      '{"x":"',
      '{"x":"x',
      '"',
      '"x',
      '"n',
      '"name',
      '"xx',
    ]
    let checked = 0
    for (const schema of schemas) {
      // Each schema has states of its own, and those of the others are met again.
      const automaton = automatonOf(compileSchema({ anyOf: [schema, { const: 1 }] }))
      for (const text of texts) {
        automaton.budget.renew()
        const state = automaton.after(automaton.start, bytesOf(text))
        if (state === null) continue
        const found = allowed(masks.mask(automaton, state), vocabulary.size)
        expect(found, `${JSON.stringify(schema)} after ${text}`).toEqual(
          expectedIds(vocabulary, automaton, state, false),
        )
        checked++
      }
    }
    expect(checked).toBeGreaterThan(30)
  })

  it('that share a set of many tokens do not change it', () => {
    const vocabulary = vocabularyOf([...Array.from({ length: 600 }, (_, i) => `a${i}`), '"', '",', '"}', '"]'])
    const masks = new Masks(vocabulary)
    const behind = [',', '}', ']'].map((text) => automatonOf(sequence(jsonString(ANY_TEXT), literal(text))))
    const states = behind.map((automaton) => [automaton, automaton.after(automaton.start, bytesOf('"a'))!] as const)
    for (const [automaton, state] of [...states, ...[...states].reverse()]) {
      expect(allowed(masks.mask(automaton, state), vocabulary.size)).toEqual(
        expectedIds(vocabulary, automaton, state, false),
      )
    }
  })

  it('end a text where it may end, and hold no token without a text', () => {
    const vocabulary = vocabularyOf(['a', 'b', '', 'ab'])
    const constraint = new TextConstraint(automatonOf(either(literal('a'), literal('ab'))), new Masks(vocabulary))
    expect(allowed(constraint.mask(), vocabulary.size)).toEqual([0, 3])
    constraint.accept(0)
    expect(allowed(constraint.mask(), vocabulary.size)).toEqual([1, 4])
    expect(() => constraint.accept(2)).toThrow(ConstraintError)
    constraint.accept(4)
    expect(constraint.done).toBe(true)
  })

  it('expect the text that must come, in its longest tokens, and go on from forks', () => {
    const vocabulary = vocabularyOf(['{', '"', '{"', 'na', 'name', ':', '": ', 'x', ' '])
    const automaton = automatonOf(sequence(literal('{"name": '), either(literal('x'), literal('"'))))
    const constraint = new TextConstraint(automaton, new Masks(vocabulary))
    // The last of the fixed text may come in one token with what follows it.
    expect(constraint.expected(9)).toEqual([2, 4])
    expect(constraint.expected(1)).toEqual([2])
    const fork = constraint.fork()
    for (const id of [2, 4, 6]) fork.accept(id)
    expect(allowed(fork.mask(), vocabulary.size)).toEqual([1, 7])
    expect(allowed(constraint.mask(), vocabulary.size)).toEqual([0, 2])
  })

  it('are remembered, and are one for states that no token tells apart', () => {
    const vocabulary = vocabularyOf(['a', '"', 'a"', 'aaaa'])
    const masks = new Masks(vocabulary)
    const automaton = automatonOf(jsonString({ kind: 'repeat', item: ANY_CHAR, min: 0, max: 20 }))
    const states = Array.from({ length: 21 }, (_, i) => automaton.after(automaton.start, bytesOf(`"${'a'.repeat(i)}`))!)
    const found = states.map((state) => masks.of(automaton, state))
    expect(new Set(states).size).toBe(21)
    expect(new Set(found.slice(0, 16)).size).toBe(1)
    expect(new Set(found).size).toBe(3)
    expect(allowed(masks.mask(automaton, states[20]!), vocabulary.size)).toEqual([1])
    expect(allowed(masks.mask(automaton, states[19]!), vocabulary.size)).toEqual([0, 1, 2])
    expect(allowed(masks.mask(automaton, states[16]!), vocabulary.size)).toEqual([0, 1, 2, 3])
  })

  it('are the same when they were worked out ahead', () => {
    const random = randomOf(4)
    const vocabulary = randomVocabulary(random)
    for (let round = 0; round < 40; round++) {
      let automaton: Automaton
      try {
        automaton = automatonOf(randomGrammar(random))
      } catch (error) {
        if (!(error instanceof ConstraintError)) throw error
        continue
      }
      const constraint = new TextConstraint(automaton, new Masks(vocabulary))
      for (let i = 0; i < 20; i++) constraint.prepare()
      const ids = allowed(constraint.mask(), vocabulary.size)
      expect(ids, `round ${round}`).toEqual(expectedIds(vocabulary, automaton, automaton.start, false))
    }
  })
})
