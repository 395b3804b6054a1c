/** Several steps under masks that the GPU chooses by the tokens before. */
import { expect, test } from 'vitest'
import { Engine } from '../../src/constraints/engine.ts'
import { compileSchema } from '../../src/constraints/json-schema.ts'
import type { Constraint, MistralModel, SamplingInput } from '../../src/index.ts'
import { withModel } from '../support/fixtures.ts'
import { load, path, vocab } from './constraint-stage.ts'
import { promptOf, tokensOf } from './support.ts'

/** JSON in pieces, and all that JSON can need: no mask is without a token. */
const PIECES = [...'{}[]",:0123456789abcdefghlrst -.\\nuEB', '":"', '","', '{"', '"]', 'ab', 'cde', '"}', '":', '],"']
const END = 2
const piece = (id: number) => (id === END ? undefined : PIECES[id % PIECES.length])
const engine = new Engine({
  size: vocab,
  bytes: (id) => new TextEncoder().encode(piece(id)),
  endIds: [END],
})
const object = (properties: object) => {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
const idsOf = (tokens: readonly { readonly tokenId: number }[]) => tokens.map(({ tokenId }) => tokenId)
const SCHEMAS = [
  object({
    a: { type: 'string' },
    b: { type: 'array', items: { type: 'string', maxLength: 12 } },
    cde: { type: 'integer' },
  }),
  {
    type: 'array',
    items: { anyOf: [{ enum: ['ab', 'abc', 'cde'] }, object({ h: { type: 'boolean' }, g: { type: 'number' } })] },
  },
  { type: 'object', additionalProperties: { type: 'string' } },
]
const constraintOf = (schema: object) => engine.compile(JSON.stringify(schema), () => compileSchema(schema), false)
const make = SCHEMAS.map(constraintOf)

const PARAMS: Record<string, SamplingInput> = {
  greedy: { do_sample: false },
  'a small top_k': { seed: 3, temperature: 1.2, top_k: 20 },
  'the whole vocabulary': { seed: 4, temperature: 1.5, top_k: 0 },
  'rules too': { seed: 5, temperature: 1.3, repetition_penalty: 1.2, frequency_penalty: 0.4 },
}

/** The answers of all schemas at once, and how many batches and steps they took. */
async function answers(model: MistralModel, params: SamplingInput) {
  const { runner } = model.loaded
  const sample = runner.sample.bind(runner)
  const batches: number[] = []
  runner.sample = (batch, known) => {
    if (batch.needs.some(({ mask }) => mask !== undefined)) batches.push(batch.steps)
    return sample(batch, known)
  }
  const all = { max_tokens: 40, ...params }
  const ids = await Promise.all(
    make.map((constraint, i) =>
      tokensOf(model.generate(promptOf(i, 6, vocab), all, { constraint: constraint as () => Constraint })),
    ),
  )
  runner.sample = sample
  return { ids, batches }
}

test.each(Object.entries(PARAMS))('give what single steps give, with fewer readbacks: %s', async (_, params) => {
  const given = (stepsPerReadback: number) =>
    withModel(path, { ...load, maxSequences: 4, stepsPerReadback }, (model) => answers(model, params))
  const single = await given(1)
  const several = await given(6)
  expect(several.ids).toEqual(single.ids)
  expect(several.batches.length).toBeLessThan(0.6 * single.batches.length)
  // Each is what its constraint lets in.
  for (const [i, ids] of single.ids.entries()) {
    const constraint = make[i]!()
    for (const id of ids) if (id !== END) constraint.accept(id)
  }
  expect(single.ids.flat().length).toBeGreaterThan(30)
})

test('give the same where courses are often wrong, and what follows a batch is dropped with it', async () => {
  /** Its courses do not say where tokens lead. */
  const misled = (constraint: Constraint): Constraint => ({
    mask: () => constraint.mask(),
    accept: (id) => constraint.accept(id),
    course: (room) => {
      const { stages, first } = constraint.course!(room)!
      return { stages: [{ ...stages[first]!, tokens: [], targets: [] }], first: 0 }
    },
    get stage() {
      return constraint.stage
    },
    get done() {
      return constraint.done === true
    },
  })
  const run = (stepsPerReadback: number, given: (constraint: Constraint) => Constraint) => {
    return withModel(path, { ...load, maxSequences: 4, stepsPerReadback }, (model) =>
      Promise.all(
        make.map((constraint, i) => {
          const params = { max_tokens: 24, seed: 20 + i, temperature: 1.3 }
          const options = { constraint: () => given((constraint as () => Constraint)()) }
          return tokensOf(model.generate(promptOf(i, 6, vocab), params, options))
        }),
      ),
    )
  }
  expect(await run(4, misled)).toEqual(await run(1, (constraint) => constraint))
})

test('a request without courses beside others, and log-probabilities, are as they are alone', async () => {
  await withModel(path, { ...load, maxSequences: 4, stepsPerReadback: 4 }, async (model) => {
    const params = { seed: 9, temperature: 1.4, max_tokens: 24, logprobs: true, top_logprobs: 2 }
    const own: (() => Constraint)[] = [
      make[0]!,
      () => ({ mask: () => new Uint32Array(Math.ceil(vocab / 32)).fill(0x55555555), accept: () => {} }),
      make[2]!,
    ]
    const run = async (i: number) => {
      const steps = []
      for await (const step of model.generate(promptOf(i, 6, vocab), params, { constraint: own[i]! })) steps.push(step)
      return steps
    }
    const alone = [await run(0), await run(1), await run(2)]
    const together = await Promise.all([run(0), run(1), run(2)])
    expect(together.map(idsOf)).toEqual(alone.map(idsOf))
    expect(alone[1]!.every(({ tokenId }) => tokenId % 2 === 0)).toBe(true)
    // The first prompts may go through other kernels, which differ in the last bits.
    for (const [i, steps] of together.entries()) {
      for (const [j, { logprobs }] of steps.entries()) {
        const before = alone[i]![j]!.logprobs!
        expect(logprobs!.logprob).toBeCloseTo(before.logprob, 4)
        expect(idsOf(logprobs!.top)).toEqual(idsOf(before.top))
      }
    }
  })
})
