/** One request on its way through the scheduler, and the only owner of its counters. */
import { NO_TOKEN } from '../kernels/sampler.ts'
import type { SamplerNeeds } from '../model/batch.ts'
import type { PackedParams } from '../sampling/packed-params.ts'
import type { Expectations } from './expectations.ts'
import type { LaterMask, MaskCosts, MaskRun } from './mask-run.ts'
import { isAsked, isFixed, noTokenLeft, runsAhead } from './mask-sources.ts'
import type { Owner, Sequence } from './sequence-cache.ts'
import type { Costs, Speculation } from './speculation.ts'
import type { StepLogprobs } from './step-logprobs.ts'
import { StepQueue } from './step-queue.ts'
import { errorOf } from './thrown.ts'
import type { Adapter, FinishReason, GenerationRequest, NotedStep, Verdict } from './types.ts'

/**
 * A request is *waiting* (no sequence), *running* (it has one) or *done*. Its tokens are the prompt and the known part of
 * the answer. Batches run ahead of what is known: positions below `computed` were submitted to the GPU, and `ahead`
 * choices are on their way back, so that `computed <= tokens.length + ahead` always holds. Each time that results on
 * their way lose their meaning, `epoch` changes.
 */
export class Generation<Note = unknown> implements Owner {
  readonly tokens: number[]
  #sequence: Sequence | undefined
  #computed = 0
  #ahead = 0
  #epoch = 0
  #done = false
  #dense = false
  /** Its constraint is asked; false as long as that is idle. */
  #masked: boolean
  readonly #maskRun: MaskRun | undefined
  /** {@link packed} is another than the sequence was given. */
  settingsChanged = false
  #cachedTokens: number | undefined
  /** undefined for requests that want no prompt lookup. */
  readonly #speculation: Speculation | undefined
  readonly #steps: StepQueue<NotedStep<Note>>

  constructor(
    readonly request: GenerationRequest<Note>,
    /** Smaller for requests that came earlier. */
    readonly order: number,
    /** Tells the scheduler that the reader has room for more steps. */
    resumed: () => void,
    private readonly costs: Costs & MaskCosts & { readonly expectations: Expectations },
  ) {
    this.tokens = [...request.prompt]
    this.#steps = new StepQueue(resumed)
    this.#speculation = request.speculate?.(this.tokens, costs, () => this.stepwise)
    this.#masked = isAsked(request.constraint)
    this.#maskRun = request.maskRun?.(costs, request)
    costs.expectations.begin()
  }

  get adapter(): Adapter | undefined {
    return this.request.adapter
  }

  /** The sequence it computes in; undefined while it waits, and after its end. */
  get sequence(): Sequence | undefined {
    return this.#sequence
  }

  /** Positions that were submitted to the GPU. */
  get computed(): number {
    return this.#computed
  }

  get epoch(): number {
    return this.#epoch
  }

  get done(): boolean {
    return this.#done
  }

  /** Tokens of the prompt that were in the cache when it was admitted; undefined before that. */
  get cachedTokens(): number | undefined {
    return this.#cachedTokens
  }

  /** When it paused because its reader does not take what is ready; undefined while it does not pause. */
  get idleSince(): number | undefined {
    return this.#steps.idleSince
  }

  /** Positions whose tokens are known and whose keys and values are, or will be, in the sequence. */
  get settled(): number {
    return Math.min(this.#computed, this.tokens.length)
  }

  /** Tokens that are known or on their way. */
  get next(): number {
    return this.tokens.length + this.#ahead
  }

  /** The most tokens that prompt and answer can become. */
  get limit(): number {
    return this.request.prompt.length + this.request.maxTokens
  }

  /** Rows that must be computed before the next choice: 1 while it answers, more while its prompt is read. */
  get pendingRows(): number {
    return this.next - this.#computed
  }

  /** Whether another batch makes sense now. */
  get runnable(): boolean {
    if (this.#done || this.idleSince !== undefined || this.next >= this.limit) return false
    if (this.#ahead === 0) return true
    const { mostSteps } = this
    if (mostSteps === Infinity) return true
    const follows = (this.#ahead === 1 && mostSteps === 1) || this.#maskRun?.follows(this.#ahead) === true
    return follows && this.#masked && runsAhead(this)
  }

  /** Steps of a batch at most; with a limit, the next batch can be planned only when the tokens of the one before are known. */
  get mostSteps(): number {
    if (this.request.recompute || this.verifies) return 1
    if (!this.#masked) return Infinity
    const steps = this.#maskRun?.steps ?? 1
    return steps > 1 && isFixed(this) ? 1 : steps
  }

  /** The mask of all but the first of so many steps; undefined where that of the first counts for all. */
  laterMask(steps: number): LaterMask | undefined {
    return this.#masked ? this.#maskRun?.behind(this.#ahead, steps) : undefined
  }

  private get stepwise(): boolean {
    return this.request.recompute || this.#masked
  }

  /** Tokens of its answer that are known or on their way. */
  get begun(): number {
    return this.next - this.request.prompt.length
  }

  /** Guesses at most `room` of the next tokens from those so far; none where that does not pay. */
  lookUp(room: number): number[] {
    return this.#speculation?.guess(room) ?? []
  }

  /** How the GPU chooses its tokens. */
  get packed(): PackedParams {
    return this.#masked ? this.request.masked : this.request.packed
  }

  /** {@link packed}, for the sequence to be given. */
  takeSettings(): PackedParams {
    this.settingsChanged = false
    return this.packed
  }

  /** Guesses of earlier tokens are verified before the next are made. */
  get verifies(): boolean {
    return this.#speculation?.pays === true
  }

  /** Whether it is of use to check so many tokens that its constraint expects at once. */
  trusts(tokens: number): boolean {
    return this.costs.expectations.trusts(tokens, this.costs)
  }

  /** How the GPU chooses its next token, and those after each of the guessed ones. */
  needs(guessed: readonly number[] = [], later?: LaterMask): SamplerNeeds[] {
    const { packed, sampler, logprobs, constraint, masks } = this.request
    const tokens = () => [...this.tokens, ...guessed]
    const needs: SamplerNeeds = { rules: packed.rules, tokens, sampler: this.#dense ? 'dense' : sampler, logprobs }
    if (constraint === undefined || masks === undefined || !this.#masked) return [needs, ...guessed.map(() => needs)]
    const epoch = this.#epoch
    const isOver = () => this.#done || this.#epoch !== epoch
    const fail = (error: Error) => this.fail(error)
    const asked = (mask: Uint32Array | null) => this.#maskRun?.asked(mask)
    return masks(constraint, guessed, { fail, isOver, asked }).map((mask) => ({ ...needs, ...later?.needs, mask }))
  }

  /** waiting → running, in a sequence that holds the first `shared` tokens. Returns whether this is the first time. */
  admit(sequence: Sequence, shared: number): boolean {
    this.#sequence = sequence
    this.#computed = shared
    const first = this.#cachedTokens === undefined
    this.#cachedTokens ??= shared
    return first
  }

  /** running → waiting or done. Choices on their way no longer count. */
  leave(): void {
    this.#sequence = undefined
    this.#epoch++
    this.#ahead = 0
  }

  /** The first `shared` positions were copied from another sequence. Returns how many prompt tokens that saved. */
  copied(shared: number): number {
    const gained = shared - this.#computed
    this.#computed = shared
    if (this.tokens.length > this.request.prompt.length) return 0
    this.#cachedTokens = (this.#cachedTokens ?? 0) + gained
    return gained
  }

  /** A batch was planned that computes `positions` more and makes `choices`. */
  scheduled(positions: number, choices: number): void {
    this.#computed += positions
    this.#ahead += choices
    const sequence = this.#sequence!
    sequence.written = Math.max(sequence.written, this.#computed)
  }

  /** Its candidates tie so often that only the sampler of all tokens can choose: the last choice is made again with it. */
  redoDense(): void {
    this.#dense = true
    this.dropAhead()
  }

  /** Whether the next of the steps on their way chose what it would have chosen under its own mask. */
  holds(id: number, later: LaterMask | undefined): boolean {
    if (!later) return !this.#masked || this.#maskRun!.holds
    return later.fits(this.request.constraint!, this.tokens.at(-1)!, id, (error) => this.fail(error))
  }

  /** Choices on their way no longer count. */
  dropAhead(): void {
    this.#epoch++
    this.#ahead = 0
    this.#computed = this.request.recompute ? 0 : Math.min(this.#computed, this.tokens.length - 1)
  }

  /** A batch that verified `guessed` tokens came back: none of them counts until {@link confirm} says so. */
  verified(guessed: number): void {
    this.#ahead--
    this.#computed -= guessed
    if (this.#speculation === undefined) this.costs.expectations.checked(guessed)
  }

  /** The next guessed token was right, so its position stays computed. */
  confirm(): void {
    this.#computed++
    if (this.#speculation === undefined) this.costs.expectations.confirm()
  }

  /** One choice of those on their way came back. */
  arrived(): void {
    this.#ahead--
  }

  /** Appends a chosen token, asks the reader's `onToken`, and gives the reader a step. Returns whether the answer goes on. */
  append(id: number, logprobs: StepLogprobs | undefined): boolean {
    // Its constraint may have failed while the token was chosen.
    if (this.#done) return false
    if (id === NO_TOKEN) {
      this.fail(noTokenLeft(this.packed.rules))
      return false
    }
    this.tokens.push(id)
    this.#speculation?.added()
    const { stops, onToken, recompute, constraint } = this.request
    let verdict: Verdict<Note>
    try {
      if (!stops.has(id)) constraint?.accept(id)
      if (this.#masked) this.#maskRun?.added(constraint?.unchanged === true)
      if (isAsked(constraint) && !this.#masked) this.wake()
      verdict = onToken?.(id) ?? { stop: false }
    } catch (error) {
      this.fail(errorOf(error, 'stopWhen'))
      return false
    }
    if (this.#done) return false // the reader may have ended its own request
    const stopped = verdict.stop || stops.has(id) || constraint?.done === true
    const finishReason: FinishReason | null = stopped ? 'stop' : this.tokens.length >= this.limit ? 'length' : null
    const { note } = verdict
    this.#steps.push({ tokenId: id, finishReason, logprobs: logprobs ?? null, ...(note !== undefined && { note }) })
    this.#done = finishReason !== null
    if (recompute) this.#computed = 0
    return !this.#done
  }

  /** Ends it without a word to the reader, who has left. */
  finish(): void {
    this.#done = true
  }

  /** Ends it for the reader at once, whatever is ready. The first failure counts. */
  fail(error: Error): void {
    this.#done = true
    this.#steps.fail(error)
  }

  /** The next step, as soon as there is one; undefined after the last. Throws what it failed with. */
  take(): Promise<NotedStep<Note> | undefined> {
    return this.#steps.take(() => this.#done)
  }

  /** The constraint is asked from now on: choices on their way, which it knows nothing of, no longer count. */
  private wake(): void {
    this.#masked = true
    this.settingsChanged = true
    this.dropAhead()
  }
}
