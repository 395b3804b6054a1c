/** Courses of masks: what the GPU is told of the tokens ahead. */
import { expect, it } from 'vitest'
import { type MaskCourse, stageAfter } from '../../src/constraints/course.ts'
import { ANY_CHAR, jsonString } from '../../src/constraints/expression.ts'
import { compileSchema } from '../../src/constraints/json-schema.ts'
import { Masks } from '../../src/constraints/masks.ts'
import { TextConstraint } from '../../src/constraints/text-constraint.ts'
import { automatonOf, randomOf, vocabularyOf } from './support.ts'

const WORDS = [
  ...'{}[]",:\\ntu0a1é',
  '":"',
  '","',
  '{"',
  'ab',
  '"a',
  '\\u',
  Uint8Array.of(0xc3),
  Uint8Array.of(0xa9),
  ...'bcdefghijk',
]
const vocabulary = vocabularyOf(WORDS)
const ROOM = { steps: 8, stages: 60, moves: 900 }
const schema = {
  type: 'object',
  properties: {
    a: { type: 'string' },
    ab: { type: 'array', items: { enum: ['a', 'b', 1] } },
    b: { type: 'string', maxLength: 9 },
  },
  additionalProperties: false,
}

function idsOf(mask: Uint32Array): number[] {
  return Array.from({ length: vocabulary.size }, (_, id) => id).filter(
    (id) => ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1,
  )
}

/** Tokens by id and within the room. */
function checked(course: MaskCourse, { stages, moves } = ROOM): MaskCourse {
  expect(course.stages.length).toBeLessThanOrEqual(stages)
  expect(course.stages.reduce((sum, { tokens }) => sum + tokens.length, 0)).toBeLessThanOrEqual(moves)
  for (const { tokens, targets } of course.stages) {
    expect([...tokens]).toEqual([...new Set(tokens)].sort((a, b) => a - b))
    expect(targets.every((target) => target < course.stages.length)).toBe(true)
    expect(targets.length).toBe(tokens.length)
  }
  return course
}

it('have the mask of each token as long as the stage is that of the constraint, which it mostly is', () => {
  const random = randomOf(1)
  const masks = new Masks(vocabulary)
  const automaton = automatonOf(compileSchema(schema, { whitespace: 0 }))
  let [right, wrong] = [0, 0]
  for (let round = 0; round < 60; round++) {
    const constraint = new TextConstraint(automaton, masks)
    for (let i = 0; i < 12 && !constraint.done; i++) {
      const course = checked(constraint.course(ROOM)!)
      for (let step = 0, stage = course.first; step < ROOM.steps && !constraint.done; step++) {
        const used = course.stages[stage]!
        if (used.key !== constraint.stage) {
          wrong++
          break
        }
        right++
        const ids = idsOf(used.mask())
        expect(ids).toEqual(idsOf(constraint.mask()))
        // Halves of some characters are no tokens here.
        if (ids.length === 0) break
        const id = ids[random(ids.length)]!
        stage = stageAfter(course, stage, id)
        constraint.accept(id)
      }
    }
  }
  expect(right).toBeGreaterThan(300)
  expect(wrong / right).toBeLessThan(0.05)
})

it('stay within little room, and have one stage where there is no more', () => {
  const masks = new Masks(vocabulary)
  const constraint = new TextConstraint(automatonOf(compileSchema(schema)), masks)
  for (const room of [
    { steps: 1, stages: 60, moves: 900 },
    { steps: 8, stages: 1, moves: 900 },
    { steps: 8, stages: 3, moves: 5 },
    { steps: 2, stages: 60, moves: 0 },
  ]) {
    const { stages, first } = checked(constraint.course(room)!, room)
    expect(idsOf(stages[first]!.mask())).toEqual(idsOf(constraint.mask()))
    if (room.stages === 1) expect(stages.length).toBe(1)
  }
})

it('stay the same array as long as they reach, with another stage for the next token', () => {
  const masks = new Masks(vocabulary)
  const constraint = new TextConstraint(automatonOf(compileSchema(schema, { whitespace: 0 })), masks)
  const ask = () => constraint.course(ROOM)!
  for (const word of ['{"', 'a', '":"']) constraint.accept(WORDS.indexOf(word))
  // What is looked at in one call has an end.
  for (let i = 0; i < 50; i++) {
    ask()
    constraint.prepare()
  }
  const { stages, first } = ask()
  constraint.accept(WORDS.indexOf('1'))
  expect([ask().stages === stages, ask().first]).toEqual([true, first])
  const closing = WORDS.indexOf('"')
  expect(stages[first]!.tokens).toContain(closing)
  constraint.accept(closing)
  const behind = ask()
  const stage = stageAfter({ stages, first }, first, closing)
  expect(behind.stages[behind.first]!.mask()).toBeInstanceOf(Uint32Array)
  expect(stages[stage]!.key).toBe(constraint.stage)
  expect(behind.stages[behind.first]!.key).toBe(constraint.stage)
  // Another room has a course of its own.
  expect(constraint.course({ ...ROOM, stages: 3 })!.stages.length).toBeLessThanOrEqual(3)
})

it('lead first to where answers have come before, where there is little room', () => {
  const masks = new Masks(vocabulary)
  const automaton = automatonOf(compileSchema(schema, { whitespace: 0 }))
  const room = { ...ROOM, stages: 20 }
  const path = ['{"', 'a', '":"', 'b', '","', 'b', '":"', '"', '}'].map((word) => WORDS.indexOf(word))
  /** How many tokens of the path the course from the start has the right masks for. */
  const reach = () => {
    const constraint = new TextConstraint(automaton, masks)
    const course = checked(constraint.course(room)!, room)
    let stage = course.first
    for (const [i, id] of path.entries()) {
      if (course.stages[stage]!.key !== constraint.stage) return i
      stage = stageAfter(course, stage, id)
      constraint.accept(id)
    }
    return path.length
  }
  const before = reach()
  expect(before).toBeLessThan(path.length)
  for (let i = 0; i < 12; i++) {
    const constraint = new TextConstraint(automaton, masks)
    for (const id of path) {
      constraint.course(ROOM)
      constraint.prepare()
      expect(constraint.stage).toBeDefined()
      constraint.accept(id)
    }
  }
  expect(reach()).toBe(path.length)
})

it('know the tokens with which a text ends, though no token goes on behind it', () => {
  const few = vocabularyOf(['"', 'ab', 'b"', ...Array.from({ length: 600 }, (_, i) => `w${i}`)])
  const masks = new Masks(few)
  const constraint = new TextConstraint(
    automatonOf(jsonString({ kind: 'repeat', item: ANY_CHAR, min: 0, max: Infinity })),
    masks,
  )
  constraint.accept(0)
  const { stages, first } = constraint.course(ROOM)!
  expect(stages[first]!.tokens).toEqual([0, 2])
})

it('keep one stage inside of a bounded text until its end is near', () => {
  const masks = new Masks(vocabulary)
  const constraint = new TextConstraint(
    automatonOf(jsonString({ kind: 'repeat', item: ANY_CHAR, min: 0, max: 40 })),
    masks,
  )
  constraint.accept(WORDS.indexOf('"'))
  const key = constraint.stage
  for (let i = 0; i < 20; i++) constraint.accept(WORDS.indexOf('a'))
  expect(constraint.stage).toBe(key)
  for (let i = 0; i < 19; i++) constraint.accept(WORDS.indexOf('a'))
  expect(constraint.stage).not.toBe(key)
})

it('are not there where a text begins without its space, and behind its end', () => {
  const constraint = new TextConstraint(automatonOf(compileSchema({ const: 1 })), new Masks(vocabulary), true)
  expect([constraint.course(ROOM), constraint.stage]).toEqual([undefined, undefined])
  constraint.accept(WORDS.indexOf('1'))
  expect(constraint.course(ROOM)).toBeDefined()
  constraint.accept(vocabulary.endIds[0]!)
  expect([constraint.course(ROOM), constraint.stage]).toEqual([undefined, undefined])
})
