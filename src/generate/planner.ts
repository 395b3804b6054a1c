import { LIST_TOO_SHORT } from '../kernels/draw.ts'
import { DECODE_ROWS } from '../kernels/shape.ts'
import type { Batch, Row } from '../model/batch.ts'
import type { Engine } from '../model/engine.ts'
import type { Choices, Runner } from '../model/runner.ts'
import type { Generation } from './generation.ts'
import type { Pace } from './pace.ts'
import { lookUp } from './prompt-lookup.ts'
import type { Slot, Slots } from './slots.ts'
import { stepLogprobs } from './step-logprobs.ts'

/** What a generation has in a batch. */
export interface Share {
  readonly generation: Generation
  /** Where it was when the batch was made; it may have left since, with a new epoch. */
  readonly slot: Slot
  readonly epoch: number
  /** Picked rows of it: none while its prompt is read, several when tokens were guessed. */
  readonly picked: number
  readonly guessed: readonly number[]
}

/** A batch and who gets what out of it. */
export interface Plan extends Batch {
  readonly shares: readonly Share[]
  /** It is made of answers, not of a prompt. */
  readonly decodes: boolean
}

/** Since the model was loaded. */
export interface Totals {
  promptTokens: number
  cachedTokens: number
  generatedTokens: number
}

/** Steps of a batch while a prompt waits to be read: its reader should not wait for long either. */
const STEPS_BESIDE_PROMPTS = 4

/** Decides what runs next. Prompts and answers take turns, so that neither stalls the other. */
export class Planner {
  private promptsTurn = true

  constructor(
    private readonly engine: Engine,
    private readonly slots: Slots,
    private readonly pace: Pace,
    private readonly totals: Totals,
  ) {}

  /**
   * The next batch of those that have a slot, the one whose turn it is first; undefined when nothing can run now. Notes in
   * the generations what it will have computed.
   */
  async plan(active: readonly Generation[], besideJobs: boolean): Promise<Plan | undefined> {
    const runnable = active.filter((generation) => generation.runnable)
    const answers = runnable.filter((generation) => generation.pendingRows === 1)
    const prompt = runnable.find((generation) => generation.pendingRows > 1 && !this.slots.comesSoon(generation))
    if (prompt !== undefined && (this.promptsTurn || answers.length === 0)) {
      this.promptsTurn = false
      await this.shareBeginning(prompt)
      // Copying may have had to compile, and the request may have been stopped meanwhile.
      return prompt.slot === undefined ? this.plan(active, besideJobs) : this.planPrompt(prompt)
    }
    this.promptsTurn = true
    return answers.length > 0 ? this.planAnswers(answers, prompt !== undefined || besideJobs) : undefined
  }

  private planPrompt(generation: Generation): Plan {
    const first = generation.computed
    const count = Math.min(generation.pendingRows, this.engine.chunk)
    const picked = first + count === generation.tokens.length ? 1 : 0
    const { epoch } = generation
    const slot = generation.slot!
    const sequence = slot.index
    const rows = Array.from({ length: count }, (_, i): Row => {
      return { sequence, position: first + i, picked: picked === 1 && i === count - 1 }
    })
    take(generation, count, picked)
    return { rows, steps: 1, shares: [{ generation, slot, epoch, picked, guessed: [] }], decodes: false }
  }

  /** What another sequence has computed of this prompt by now is copied. */
  private async shareBeginning(generation: Generation): Promise<void> {
    const slot = generation.slot!
    if (generation.request.recompute) return
    const source = this.slots.bestSource(slot, generation.tokens, generation.computed)
    if (source === undefined) return
    const { index, written } = source.slot
    const to = slot.index
    slot.written = await this.engine.runner.copySequence(index, to, { count: source.shared, written })
    const gained = source.shared - generation.computed
    if (generation.tokens.length === generation.request.prompt.length) {
      this.totals.cachedTokens += gained
      generation.cachedTokens = (generation.cachedTokens ?? 0) + gained
    }
    generation.computed = source.shared
  }

  private planAnswers(answers: readonly Generation[], besidePrompts: boolean): Plan {
    const steps = this.steps(answers.slice(0, DECODE_ROWS), besidePrompts)
    const rows: Row[] = []
    const shares: Share[] = []
    for (const generation of answers) {
      const room = DECODE_ROWS - rows.length - 1
      if (room < 0) break
      const guessed = this.guess(generation, room)
      const first = generation.computed
      const slot = generation.slot!
      for (let i = 0; i <= guessed.length; i++) {
        rows.push({ sequence: slot.index, position: first + i, picked: true })
      }
      take(generation, guessed.length > 0 ? 1 + guessed.length : steps, steps)
      shares.push({ generation, slot, epoch: generation.epoch, picked: 1 + guessed.length, guessed })
    }
    return { rows, steps, shares, decodes: true }
  }

  /** Not further than the longest answer goes, nor beyond the end of the history; one by one where tokens are guessed. */
  private steps(answers: readonly Generation[], besidePrompts: boolean): number {
    if (answers.some(({ request }) => request.lookup > 0 || request.recompute)) return 1
    const useful = Math.max(...answers.map((generation) => generation.limit - generation.next))
    const room = Math.min(...answers.map((generation) => this.engine.positions - generation.next))
    const wanted = besidePrompts ? Math.min(this.pace.steps(), STEPS_BESIDE_PROMPTS) : this.pace.steps()
    return Math.max(1, Math.min(wanted, useful, room))
  }

  private guess(generation: Generation, room: number): number[] {
    const { tokens, request, slot, limit } = generation
    if (request.lookup === 0) return []
    const guessed = lookUp(tokens, Math.min(request.lookup, room, limit - tokens.length - 1))
    if (guessed.length > 0) this.engine.runner.writeTokens(slot!.index, tokens.length, guessed)
    return guessed
  }
}

/** Gives out what came back. Returns the generations that ended with it. */
export function deliver(
  runner: Runner,
  { shares, steps }: Plan,
  choices: readonly Choices[],
  totals: Totals,
): Generation[] {
  let at = 0
  const accept = (generation: Generation, { ids, logprobs }: Choices, step: number): boolean => {
    if (ids[step] === LIST_TOO_SHORT) {
      generation.dense = true
      generation.stepBack()
      writeSettings(runner, generation)
      return false
    }
    totals.generatedTokens++
    return generation.accept(ids[step]!, logprobs && stepLogprobs(logprobs[step]!))
  }
  const ended: Generation[] = []
  for (const { generation, epoch, picked, guessed } of shares) {
    const own = choices.slice(at, at + picked)
    at += picked
    if (generation.epoch !== epoch || own.length === 0) continue
    if (guessed.length > 0) deliverGuessed(generation, own, guessed, accept)
    else {
      for (let step = 0; step < steps; step++) {
        generation.ahead--
        // Accepting a token may end the request, from inside `stopWhen` too.
        if (!accept(generation, own[0]!, step) || generation.epoch !== epoch) break
      }
    }
    if (generation.done) ended.push(generation)
  }
  return ended
}

/** A guess was right when the sampler chose it; what it chose after the last right one counts too. */
function deliverGuessed(
  generation: Generation,
  own: readonly Choices[],
  guessed: readonly number[],
  accept: (generation: Generation, choice: Choices, step: number) => boolean,
): void {
  generation.ahead--
  generation.computed -= guessed.length
  for (const [i, choice] of own.entries()) {
    const right = choice.ids[0] === guessed[i]
    const { epoch } = generation
    if (!accept(generation, choice, 0) || generation.epoch !== epoch || !right) return
    generation.computed++
  }
}

/** Tells the GPU how the tokens of a generation's slot are chosen. */
export function writeSettings(runner: Runner, { slot, request, dense }: Generation): void {
  const { packed, sampler, logprobs } = request
  runner.writeSettings(slot!.index, packed, { sampler: dense ? 'dense' : sampler, logprobs })
}

/** Notes what a batch will have computed. */
function take(generation: Generation, positions: number, choices: number): void {
  const slot = generation.slot!
  generation.computed += positions
  generation.ahead += choices
  slot.written = Math.max(slot.written, generation.computed)
}
