/** Batches that go on along the course of the batch before, whose tokens nobody has seen yet. */
import { expect, test } from 'vitest'
import { type MaskCourse, type MaskStage, stageAfter } from '../../src/constraints/course.ts'
import { MAX_IN_FLIGHT, type Runner } from '../../src/model/runner.ts'
import { packSettings } from '../../src/sampling/packed-params.ts'
import { parseRequestParams } from '../../src/sampling/request-params.ts'
import { fixture, withModel } from '../support/fixtures.ts'

const { path, reference } = fixture('window-7')
const STAGES = 5

/** Each stage leaves out the tokens of one remainder by STAGES; a token leads as many stages on as its own remainder says. */
function stagesOf(vocab: number): MaskStage[] {
  const ids = Array.from({ length: vocab }, (_, id) => id)
  return Array.from({ length: STAGES }, (_, own) => {
    const words = new Uint32Array(Math.ceil(vocab / 32))
    for (const id of ids) if (id % STAGES !== own) words[id >>> 5]! |= 1 << (id & 31)
    const tokens = ids.filter((id) => id % STAGES > 0)
    return { key: words, mask: () => words, tokens, targets: tokens.map((id) => (own + id) % STAGES) }
  })
}

const PARAMS = {
  greedy: { do_sample: false },
  dense: { temperature: 1.5, top_k: 0 },
  short: { temperature: 1.5, top_k: 20 },
} as const
const stages = stagesOf(reference.vocab)
const FIRST: readonly MaskCourse[] = [2, 4].map((first) => ({ stages, first }))

/**
 * The ids of two sequences after batches of so many steps.
 * @param goesOn batches are submitted before the results of the one before are there; else each is told the stage that was come to
 */
async function idsOf(runner: Runner, sampler: keyof typeof PARAMS, batches: readonly number[], goesOn: boolean) {
  const counts = { taken: 0, known: 0 }
  const packed = (seed: number) => {
    const context = { promptLength: 1, eosTokenId: [], seed, masked: true }
    return packSettings(parseRequestParams(PARAMS[sampler]).sampler, context)
  }
  for (const sequence of [0, 1]) {
    runner.writeSettings(sequence, packed(11 + sequence))
    runner.writeTokens(sequence, 0, [3 + sequence])
  }
  const known = async () => ++counts.known > 0
  const ids: number[][] = [[], []]
  const open = []
  let position = 0
  for (const [i, steps] of batches.entries()) {
    const needs = FIRST.map((course, j) => ({
      rules: false,
      tokens: () => [],
      sampler,
      logprobs: false,
      mask: () => null,
      course: () =>
        i === 0 ? course : { stages, first: ids[j]!.reduce((at, id) => stageAfter(course, at, id), course.first) },
      goesOn: goesOn && i > 0 ? { course, taken: () => void counts.taken++ } : undefined,
    }))
    const rows = [0, 1].map((sequence) => ({ sequence, position, output: true }))
    open.push((await runner.sample({ rows, steps, needs }, known)).result)
    position += steps
    for (const result of open.splice(0, open.length - (goesOn ? MAX_IN_FLIGHT - 1 : 0))) {
      for (const [j, choice] of (await result).entries()) ids[j]!.push(...choice.ids)
    }
  }
  for (const result of open) for (const [j, choice] of (await result).entries()) ids[j]!.push(...choice.ids)
  return { ids, counts }
}

test.each(Object.keys(PARAMS) as (keyof typeof PARAMS)[])('choose what batches that wait choose: %s', async (kind) => {
  await withModel(path, { maxSequences: 2, kvCache: 'f32' }, async ({ loaded: { runner } }) => {
    await runner.recordings.settle({ ruled: true, kind, logged: false })
    const batches = [3, 1, 4, 2, 5]
    const waiting = await idsOf(runner, kind, batches, false)
    const going = await idsOf(runner, kind, batches, true)
    expect(going.ids).toEqual(waiting.ids)
    expect([waiting.counts, going.counts]).toEqual([
      { taken: 0, known: batches.length },
      { taken: 2 * (batches.length - 1), known: 1 },
    ])
    for (const [i, { first }] of FIRST.entries()) {
      let stage = first
      for (const id of going.ids[i]!) {
        expect(id % STAGES).not.toBe(stage)
        stage = stageAfter(FIRST[i]!, stage, id)
      }
    }
  })
})

test('wait where other rows, another place or another course come next', async () => {
  await withModel(path, { maxSequences: 2 }, async ({ loaded: { runner } }) => {
    await runner.recordings.settle({ ruled: true, kind: 'greedy', logged: false })
    const [course, other] = FIRST
    const run = async (sequence: number, position: number, along: MaskCourse | undefined, steps = 2) => {
      let [taken, asked] = [0, 0]
      const goesOn = along && { course: along, taken: () => void taken++ }
      const need = {
        rules: false,
        tokens: () => [],
        sampler: 'greedy',
        logprobs: false,
        mask: () => null,
        goesOn,
      } as const
      const ask = () => {
        asked++
        return course
      }
      const batch = { rows: [{ sequence, position, output: true }], steps, needs: [{ ...need, course: ask }] }
      await (await runner.sample(batch)).result
      return [taken, asked]
    }
    runner.writeTokens(0, 0, [3])
    runner.writeTokens(1, 0, [3])
    expect(await run(0, 0, course)).toEqual([0, 1])
    expect(await run(0, 2, course)).toEqual([1, 0])
    expect(await run(0, 3, course)).toEqual([0, 1])
    expect(await run(1, 5, course)).toEqual([0, 1])
    expect(await run(1, 7, other)).toEqual([0, 1])
    expect(await run(1, 9, undefined)).toEqual([0, 1])
    expect(await run(1, 11, course)).toEqual([1, 0])
  })
})
