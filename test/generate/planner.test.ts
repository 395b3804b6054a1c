/** Planning without a GPU: what the next batch is, and that planning changes nothing. */
import { describe, expect, it } from 'vitest'
import type { Constraint } from '../../src/constraints/constraint.ts'
import { Generation } from '../../src/generate/generation.ts'
import { Pace } from '../../src/generate/pace.ts'
import { type BatchPlan, Planner } from '../../src/generate/planner.ts'
import { maskSources } from '../../src/generate/row-masks.ts'
import { SequenceCache } from '../../src/generate/sequence-cache.ts'
import { speculating } from '../../src/generate/speculation.ts'
import type { GenerationRequest } from '../../src/generate/types.ts'
import { DECODE_ROWS } from '../../src/kernels/shape.ts'
import type { LoadedModel } from '../../src/model/loaded-model.ts'
import { packSettings } from '../../src/sampling/packed-params.ts'
import { parseRequestParams } from '../../src/sampling/request-params.ts'

const CHUNK = 8

function stage(maxSequences: number, steps = 4) {
  const loaded = {
    maxSequences,
    cache: [{ ring: 512, window: 512 }],
    chunk: CHUNK,
    positions: 512,
  } as unknown as LoadedModel
  const sequences = new SequenceCache(loaded)
  const pace = new Pace(16, steps)
  const planner = new Planner(loaded, sequences, pace)
  const running: Generation[] = []
  /** Admits a generation with `prompt`, of which `computed` tokens are in its sequence. */
  const admit = (prompt: number[], computed: number, request: Partial<GenerationRequest> = {}) => {
    const generation = new Generation(requestOf(prompt, request), running.length, () => {}, pace)
    const sequence = sequences.find(prompt)!.sequence
    sequences.allocate(sequence, generation, computed)
    generation.admit(sequence, computed)
    running.push(generation)
    return generation
  }
  return { planner, running, admit, pace }
}

function requestOf(prompt: number[], request: Partial<GenerationRequest>): GenerationRequest {
  const context = { promptLength: prompt.length, eosTokenId: [2], seed: 1 }
  const packed = packSettings(parseRequestParams({ do_sample: false }).sampler, context)
  return {
    prompt,
    packed,
    masked: packed,
    logprobs: false,
    sampler: 'greedy',
    maxTokens: 100,
    stops: new Set(),
    onToken: undefined,
    constraint: undefined,
    recompute: false,
    speculate: undefined,
    masks: maskSources,
    maskRun: undefined,
    ...request,
  }
}

const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)

describe('a plan', () => {
  it('changes no generation: the same state gives the same batch', () => {
    const { planner, running, admit } = stage(2)
    const a = admit(from(0, 5), 4)
    const b = admit(from(100, 5), 4)
    const before = [a, b].map(({ computed, next, epoch }) => [computed, next, epoch])
    // What gives the tokens is made anew for each plan.
    const plan = () => {
      const { needs, ...rest } = planner.plan(running, false) as BatchPlan
      return { ...rest, needs: needs.map(({ tokens, ...need }) => ({ ...need, tokens: tokens() })) }
    }
    const first = plan()
    expect([a, b].map(({ computed, next, epoch }) => [computed, next, epoch])).toEqual(before)
    expect(plan()).toEqual(first)
  })

  it('of answers has one row each, and as many steps as the pace says', () => {
    const { planner, running, admit } = stage(2)
    admit(from(0, 5), 4)
    admit(from(100, 9), 8)
    const plan = planner.plan(running, false)
    expect(plan).toMatchObject({ kind: 'batch', decodes: true, steps: 4 })
    expect(plan).toHaveProperty('rows', [
      { sequence: 0, position: 4, output: true },
      { sequence: 1, position: 8, output: true },
    ])
  })

  it('takes one step where masks are asked for, and begins the next while one token is on its way', () => {
    const { planner, running, admit } = stage(2)
    const careful = admit(from(0, 5), 4, { constraint: { mask: () => null, accept: () => {} } })
    const at = (position: number) => ({ kind: 'batch', steps: 1, rows: [{ sequence: 0, position, output: true }] })
    expect(planner.plan(running, false)).toMatchObject(at(4))
    careful.scheduled(1, 1)
    expect(planner.plan(running, false)).toMatchObject(at(5))
    careful.scheduled(1, 1)
    expect(planner.plan(running, false)).toBeUndefined()
    careful.arrived()
    careful.append(7, undefined)
    expect(planner.plan(running, false)).toMatchObject(at(6))
  })

  it('waits for the token on its way where the text behind it is fixed, and checks that in one pass', () => {
    const { planner, running, admit } = stage(2)
    let left = [7, 8, 9, 10]
    const accept = () => {
      left = left.slice(1)
    }
    const fixed: Constraint = { mask: () => null, accept, fork: () => fixed, expected: (most) => left.slice(0, most) }
    const careful = admit(from(0, 5), 4, { constraint: fixed })
    careful.scheduled(1, 1)
    expect(planner.plan(running, false)).toBeUndefined()
    careful.arrived()
    careful.append(7, undefined)
    expect(planner.plan(running, false)).toMatchObject({ shares: [{ guessed: [8, 9, 10] }] })
  })

  it('reads a prompt in chunks and has an output only at its end', () => {
    const { planner, running, admit } = stage(1)
    const generation = admit(from(0, 11), 0)
    const outputs: boolean[][] = []
    for (let plan = planner.plan(running, false); plan?.kind === 'batch' && !plan.decodes; ) {
      outputs.push(plan.rows.map((row) => row.output))
      const share = plan.shares[0]!
      generation.scheduled(share.positions, share.choices)
      plan = planner.plan(running, false)
    }
    expect(outputs.map((rows) => rows.length)).toEqual([8, 3])
    expect(outputs.flat().indexOf(true)).toBe(10)
  })

  it('lets prompts and answers take turns', () => {
    const { planner, running, admit } = stage(2)
    admit(from(0, 5), 4)
    admit(from(100, 100), 0)
    const kinds = from(0, 4).map(() => {
      const plan = planner.plan(running, false)
      if (plan?.kind !== 'batch') return plan?.kind
      for (const { generation, positions, choices } of plan.shares) generation.scheduled(positions, choices)
      return plan.decodes ? 'answers' : 'prompt'
    })
    expect(kinds).toEqual(['prompt', 'answers', 'prompt', 'answers'])
  })

  it('copies a beginning that another sequence holds before the prompt is read', () => {
    const { planner, running, admit } = stage(2)
    admit(from(0, 40), 40)
    const generation = admit([...from(0, 30), 7, 7], 0)
    expect(planner.plan([generation], false)).toMatchObject({ kind: 'copy', generation, source: { shared: 30 } })
    generation.copied(30)
    expect(planner.plan([generation], false)).toMatchObject({ kind: 'batch', decodes: false })
    expect(running).toHaveLength(2)
  })

  it('waits for a beginning that an earlier request is reading', () => {
    const { planner, running, admit } = stage(2)
    const first = admit(from(0, 40), 0)
    const second = admit([...from(0, 30), 7, 7], 0)
    const plan = planner.plan(running, false)
    expect(plan).toMatchObject({ kind: 'batch', shares: [{ generation: first }] })
    expect(planner.plan([second, first], false)).toMatchObject({ shares: [{ generation: first }] })
  })

  it('never has more rows of answers than a batch can decode', () => {
    const { planner, running, admit } = stage(DECODE_ROWS + 3)
    for (let i = 0; i < DECODE_ROWS + 3; i++) admit([i, i + 1000, i], 2)
    const plan = planner.plan(running, false)
    expect(plan?.kind === 'batch' && plan.rows.length).toBe(DECODE_ROWS)
  })

  it('guesses tokens that are verified together once that pays, within the answer that is left', () => {
    const { planner, running, admit, pace } = stage(1)
    // A step of one row and a step of eight cost the same.
    for (const [i, rows] of [1, 1, 1, 8, 8, 8].entries()) {
      pace.observe({ steps: 1, rows: { length: rows }, shares: { length: 1 }, decodes: true }, true, 10 * i, 10 * i + 2)
    }
    const generation = admit([1, 2, 3, 4, 1, 2, 3, 4], 7, { speculate: speculating(7), maxTokens: 24 })
    expect(planner.plan(running, false)).toMatchObject({ kind: 'batch', steps: 4, shares: [{ guessed: [] }] })
    // The text repeats itself: what would have been guessed is what comes.
    for (let i = 0; i < 21; i++) {
      generation.scheduled(1, 1)
      generation.arrived()
      generation.append(1 + (i % 4), undefined)
    }
    const plan = planner.plan(running, false)
    expect(plan).toMatchObject({ kind: 'batch', steps: 1, shares: [{ guessed: [2, 3], outputs: 3, positions: 3 }] })
  })

  it('reads several prompts in one chunk, each with one output at its end', () => {
    const { planner, running, admit } = stage(4)
    const [a, b, c, d] = [admit(from(0, 3), 0), admit(from(100, 4), 1), admit(from(200, 9), 0), admit(from(300, 2), 0)]
    const first = planner.plan(running, false)
    expect(first).toMatchObject({ decodes: false, shares: [{ generation: a }, { generation: b }, { generation: c }] })
    const ends = (plan: typeof first) =>
      plan?.kind === 'batch' && plan.rows.flatMap((row, i) => (row.output ? [i] : []))
    // 3 + 3 + 2 rows fill the chunk of 8; the third prompt goes on in the next, the last begins there.
    expect(ends(first)).toEqual([2, 5])
    expect(first).toHaveProperty('needs.length', 2)
    for (const generation of [a, b, c]) generation.scheduled(generation === c ? 2 : 3, generation === c ? 0 : 1)
    const second = planner.plan([c, d], false)
    expect(second).toMatchObject({
      shares: [
        { generation: c, positions: 7 },
        { generation: d, positions: 1 },
      ],
    })
    expect(ends(second)).toEqual([6])
  })
})

describe('a generation', () => {
  it('never computes past what is known or on its way', () => {
    const { planner, running, admit } = stage(1)
    const generation = admit(from(0, 20), 0)
    for (let turn = 0; turn < 40; turn++) {
      const plan = planner.plan(running, false)
      if (plan?.kind !== 'batch') break
      const share = plan.shares[0]!
      generation.scheduled(share.positions, share.choices)
      expect(generation.computed).toBeLessThanOrEqual(generation.next)
      for (let i = 0; i < share.choices; i++) {
        generation.arrived()
        generation.append(50 + i, undefined)
      }
      expect(generation.computed).toBeLessThanOrEqual(generation.next)
    }
    expect(generation.tokens.length).toBeGreaterThan(60)
  })

  it('that leaves has nothing on its way, and its epoch tells so', () => {
    const { admit } = stage(1)
    const generation = admit(from(0, 5), 4)
    generation.scheduled(1, 1)
    const { epoch } = generation
    generation.leave()
    expect(generation.epoch).not.toBe(epoch)
    expect(generation.next).toBe(5)
    expect(generation.sequence).toBeUndefined()
  })
})
