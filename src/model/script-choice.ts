/** Tokens chosen in JavaScript as long as the kernels that choose them are being compiled: those of the GPU, id for id. */
import { type MaskCourse, stageAfter } from '../constraints/course.ts'
import { maskWords } from '../kernels/sampler.ts'
import { chooseToken } from '../sampling/exact-draw.ts'
import { logprobWords } from '../sampling/exact-logprobs.ts'
import type { PackedParams } from '../sampling/packed-params.ts'
import type { Batch, Row, SamplerNeeds } from './batch.ts'
import type { Choices, Submitted } from './choices.ts'
import { wholeMask } from './whole-mask.ts'

/** The runner, of which the logits of batches are wanted. */
export interface LogitsRunner {
  readonly model: {
    readonly workspace: { readonly sampler: { readonly vocabSize: number; readonly positions: number } }
  }
  logits(rows: readonly Row[]): Promise<Submitted<Float32Array<ArrayBuffer>[]>>
  paramsOf(sequence: number): Pick<PackedParams, 'settings' | 'lists'>
  writeTokens(sequence: number, position: number, ids: readonly number[]): void
}

/**
 * As `runner.sample`. The next batch may be submitted when it returns: what was chosen is in
 * the history then.
 */
export async function chooseInScript(
  runner: LogitsRunner,
  { rows, steps, needs }: Batch,
  known?: () => Promise<unknown>,
): Promise<Submitted<Choices[]>> {
  const { vocabSize, positions } = runner.model.workspace.sampler
  const all = needs.map(({ logprobs }) => ({
    ids: new Uint32Array(steps),
    logprobs: logprobs ? ([] as Uint32Array[]) : undefined,
  }))
  const outputs = rows.filter((row) => row.output)
  const scores = await scorer(needs, vocabSize)
  let begun: number | undefined
  for (let step = 0; step < steps; step++) {
    const moved = rows.map((row) => ({ ...row, position: row.position + step }))
    const { start, result } = await runner.logits(moved)
    begun ??= start
    // What fails on the device says so where results are awaited, as for any other batch.
    const logits = await result.catch(() => undefined)
    if (logits === undefined) return { start: begun, result: result.then(() => all) }
    if (step === 0 && scores !== undefined) await known?.()
    scores?.ask(step, (i) => all[i]!.ids.subarray(0, step))
    for (const [i, { sequence, position }] of outputs.entries()) {
      const params = runner.paramsOf(sequence)
      const raw = logits[i]!.subarray(0, vocabSize)
      const own = scores?.of(i, raw, params, { length: position + step + 1, chosen: all[i]!.ids.subarray(0, step) })
      const id = chooseToken(own ?? raw, params.settings, position + step)
      all[i]!.ids[step] = id
      all[i]!.logprobs?.push(logprobWords(raw, id, params.settings))
      if (position + step + 1 < positions) runner.writeTokens(sequence, position + step + 1, [id])
    }
  }
  return { start: begun!, result: Promise.resolve(all) }
}

/** What rules and masks make of logits; undefined where no output has any. */
async function scorer(needs: readonly SamplerNeeds[], vocabSize: number): Promise<Scorer | undefined> {
  if (!needs.some(({ rules, mask }) => rules || mask !== undefined)) return undefined
  const { ruledScores } = await import('../sampling/packed-rules.ts')
  const masks: (Uint32Array | undefined)[] = []
  const courses: (MaskCourse | undefined)[] = []
  return {
    ask(step, chosen) {
      for (const [i, { mask, later, course }] of needs.entries()) {
        if (step === 0 && course !== undefined) courses[i] = course(ROOM)
        const given = courses[i] === undefined ? [mask, later][step] : stageMask(courses[i]!, chosen(i))
        // What a constraint gives counts until it is asked again: the masks of several outputs may be one array, written anew.
        if (given !== undefined) masks[i] = wholeMask(given(), maskWords(vocabSize)).slice()
      }
    },
    of(i, logits, params, { length, chosen }) {
      const { rules, tokens } = needs[i]!
      if (!rules && masks[i] === undefined) return undefined
      const before = [...tokens().slice(0, length - chosen.length), ...chosen]
      return ruledScores(logits, before, params, masks[i])
    },
  }
}

/** Any course is short enough here, but what would be asked of the GPU is enough. */
const ROOM = { steps: 16, stages: 64, moves: 4096 }

/** The mask behind what was chosen. */
function stageMask(course: MaskCourse, chosen: Uint32Array): () => Uint32Array {
  const stage = chosen.reduce((at, id) => stageAfter(course, at, id), course.first)
  return () => course.stages[stage]!.mask()
}

interface Scorer {
  /** Asks for the masks of a step of the batch, those of all outputs in order, behind what was `chosen` in it. */
  ask(step: number, chosen: (output: number) => Uint32Array): void
  /** The scores of an output behind so many tokens, of which the batch chose some. */
  of(
    output: number,
    logits: Float32Array,
    params: Pick<PackedParams, 'settings' | 'lists'>,
    tokens: { readonly length: number; readonly chosen: Uint32Array },
  ): Float32Array | undefined
}
