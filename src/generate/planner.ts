/** Decides what runs next. It changes no request and submits nothing: the scheduler does what a plan says. */
import { DECODE_ROWS } from '../kernels/shape.ts'
import type { Batch, Row, SamplerNeeds } from '../model/batch.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { Generation } from './generation.ts'
import type { LaterMask } from './mask-run.ts'
import { guess } from './mask-sources.ts'
import type { Pace } from './pace.ts'
import { commonPrefix, type Match, type Sequence, type SequenceCache, worthWaiting } from './sequence-cache.ts'

/** The part of one generation in a batch. */
export interface Share {
  readonly generation: Generation
  /** Where it was when the batch was planned; it may have left since, with a new epoch. */
  readonly sequence: Sequence
  readonly epoch: number
  /** Positions that the batch computes for it. */
  readonly positions: number
  /** Choices on their way after the batch: guessed tokens that turn out right come on top. */
  readonly choices: number
  /** Rows whose next token is chosen: none while its prompt is read, several when tokens were guessed. */
  readonly outputs: number
  readonly guessed: readonly number[]
  /** What steps behind the first are chosen from; undefined where that is as for the first. */
  readonly later?: LaterMask | undefined
}

/** A batch, and which generation gets what of its results. */
export interface BatchPlan extends Batch {
  readonly kind: 'batch'
  readonly shares: readonly Share[]
  /** It consists of answers, not of a prompt. */
  readonly decodes: boolean
}

/** The beginning of a prompt is in another sequence and should be copied before the prompt is read. */
export interface CopyPlan {
  readonly kind: 'copy'
  readonly generation: Generation
  readonly source: Match
}

/** Steps of a batch while a prompt waits to be read: the reader of that prompt should not wait for long either. */
const STEPS_BESIDE_PROMPTS = 4

/** Prompts and answers take turns, so that neither stalls the other. */
export class Planner {
  private promptsTurn = true

  constructor(
    private readonly loaded: LoadedModel,
    private readonly sequences: SequenceCache,
    private readonly pace: Pace,
  ) {}

  /**
   * The next thing to do for the running generations, of which the first is the one whose turn it is.
   * @returns undefined when nothing can run now
   */
  plan(running: readonly Generation[], besideJobs: boolean): BatchPlan | CopyPlan | undefined {
    const runnable = running.filter((generation) => generation.runnable)
    const answers = runnable.filter((generation) => generation.pendingRows === 1)
    const prompts = runnable.filter((one) => one.pendingRows > 1 && !beginningComesSoon(one, running))
    if (prompts.length > 0 && (this.promptsTurn || answers.length === 0)) {
      const plan = this.planPrompts(prompts)
      // A copy does not use up the turn: the same prompt is planned next.
      this.promptsTurn = plan.kind === 'copy'
      return plan
    }
    this.promptsTurn = true
    return answers.length > 0 ? this.planAnswers(answers, prompts.length > 0 || besideJobs) : undefined
  }

  /** Another sequence that holds more of a prompt than its own. */
  private beginningOf({ request, sequence, tokens, computed }: Generation): Match | undefined {
    return request.recompute ? undefined : this.sequences.findSource(sequence!, tokens, computed)
  }

  /** As much of the prompts as one chunk holds, those whose turn comes first before others. */
  private planPrompts(prompts: readonly Generation[]): BatchPlan | CopyPlan {
    const rows: Row[] = []
    const needs: SamplerNeeds[] = []
    const shares: Share[] = []
    let ends = 0
    for (const generation of prompts) {
      const { epoch, computed: first } = generation
      const sequence = generation.sequence!
      const count = Math.min(generation.pendingRows, this.loaded.chunk - rows.length)
      if (count === 0 || ends === DECODE_ROWS) break
      const source = this.beginningOf(generation)
      if (source !== undefined) return { kind: 'copy', generation, source }
      const outputs = first + count === generation.tokens.length ? 1 : 0
      for (let i = 0; i < count; i++) {
        rows.push({ sequence: sequence.index, position: first + i, output: outputs === 1 && i === count - 1 })
      }
      ends += outputs
      if (outputs === 1) needs.push(...generation.needs())
      shares.push({ generation, sequence, epoch, positions: count, choices: outputs, outputs, guessed: [] })
    }
    return { kind: 'batch', rows, needs, steps: 1, shares, decodes: false }
  }

  private planAnswers(answers: readonly Generation[], besidePrompts: boolean): BatchPlan {
    const steps = this.steps(answers.slice(0, DECODE_ROWS), besidePrompts)
    const rows: Row[] = []
    const needs: SamplerNeeds[] = []
    const shares: Share[] = []
    for (const generation of answers) {
      const room = DECODE_ROWS - rows.length - 1
      if (room < 0) break
      const most = Math.min(room, generation.limit - generation.tokens.length - 1)
      const guessed = steps > 1 || generation.next > generation.tokens.length ? [] : guess(generation, most)
      const outputs = 1 + guessed.length
      const sequence = generation.sequence!
      for (let i = 0; i < outputs; i++) {
        rows.push({ sequence: sequence.index, position: generation.computed + i, output: true })
      }
      const later = generation.laterMask(steps)
      needs.push(...generation.needs(guessed, later))
      const positions = guessed.length > 0 ? outputs : steps
      shares.push({ generation, sequence, epoch: generation.epoch, positions, choices: steps, outputs, guessed, later })
    }
    return { kind: 'batch', rows, needs, steps, shares, decodes: true }
  }

  /** At most as many as the longest answer needs, as the history has room for, and as every answer may take. */
  private steps(answers: readonly Generation[], besidePrompts: boolean): number {
    const most = Math.min(...answers.map(({ mostSteps }) => mostSteps))
    if (most === 1) return 1
    const useful = Math.max(...answers.map((generation) => generation.limit - generation.next))
    const room = Math.min(...answers.map((generation) => this.loaded.positions - generation.next))
    const paced = this.pace.steps(answers.length, Math.min(...answers.map(({ begun }) => begun)))
    const wanted = besidePrompts ? Math.min(paced, STEPS_BESIDE_PROMPTS) : paced
    return Math.max(1, Math.min(most, wanted, useful, room))
  }
}

/** Whether what a batch chooses counts for any generation still. */
export function isWanted({ shares }: BatchPlan): boolean {
  return shares.some(({ generation, epoch }) => !generation.done && generation.epoch === epoch)
}

/** Whether a request that came earlier is reading a prompt that begins with more of this one's tokens than are computed. */
function beginningComesSoon(generation: Generation, running: readonly Generation[]): boolean {
  if (generation.request.recompute) return false
  return running.some((other) => {
    if (other === generation || other.order > generation.order || other.adapter !== generation.adapter) return false
    if (other.pendingRows <= 1 || !other.runnable || other.request.recompute) return false
    const common = commonPrefix(other.tokens, generation.tokens)
    return other.computed < common && worthWaiting(common, generation.computed)
  })
}
