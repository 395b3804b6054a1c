/** Continuous batching: gives waiting requests their sequences, runs batches, and hands their results out. */
import { DeviceLostError } from '../errors.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import { MAX_IN_FLIGHT, MAX_STEPS } from '../model/runner.ts'
import { Changes } from './changes.ts'
import { copyBeginning } from './copy-beginning.ts'
import { DeviceLoss } from './device-loss.ts'
import { ExclusiveJob } from './exclusive-job.ts'
import { Generation } from './generation.ts'
import { prepareOne } from './mask-sources.ts'
import { Pace } from './pace.ts'
import { type BatchPlan, isWanted, Planner } from './planner.ts'
import { postprocess } from './postprocess.ts'
import { IDLE_MS, longestIdle, refuseBeyond, remove } from './queue.ts'
import { type Sequence, SequenceCache } from './sequence-cache.ts'
import type { Adapter, GenerationRequest, SchedulerOptions, Totals } from './types.ts'

/**
 * All generations that have a sequence decode together, one row each, and chunks of new prompts run between their steps.
 * Up to two batches are in flight, so that the GPU has work while results travel. Each generation's tokens are what they
 * would be alone: the sampler depends on its own history and seed only.
 */
export class Scheduler {
  readonly totals: Totals = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 }
  readonly sequences: SequenceCache
  private readonly pace: Pace
  private readonly planner: Planner
  readonly device: DeviceLoss
  /** In the order in which they get sequences. */
  private readonly waiting: (Generation | ExclusiveJob)[] = []
  /** The generations that have a sequence; the first is the one whose turn it is. */
  private running: Generation[] = []
  private readonly jobs: ExclusiveJob[] = []
  private readonly changes = new Changes()
  private inFlight = 0
  /** The results of the batch that was submitted last have been handed out. */
  private processed: Promise<unknown> = Promise.resolve()
  private looping = false
  private jobsTurn = true
  private count = 0
  private wake: () => void = () => {}

  constructor(
    private readonly loaded: LoadedModel,
    private readonly options: SchedulerOptions,
  ) {
    this.sequences = new SequenceCache(loaded)
    this.device = new DeviceLoss(loaded, options.recover)
    this.pace = new Pace(MAX_STEPS, options.steps)
    this.planner = new Planner(loaded, this.sequences, this.pace)
  }

  get runningCount(): number {
    return this.running.length + this.jobs.length
  }

  get waitingCount(): number {
    return this.waiting.length
  }

  /** Throws `QueueFullError`, unless it is a `sibling` of a request that was let in, and `DeviceError`. */
  start<Note>(request: GenerationRequest<Note>, sibling = false): Generation<Note> {
    this.check()
    if (!sibling) refuseBeyond(this.options.maxQueue, this.waiting, this.running, this.sequences.free.length)
    const generation: Generation<Note> = new Generation(request, this.count++, () => this.resume(generation), this.pace)
    this.loaded.runner.prepare(generation.needs(), request.maxTokens)
    this.waiting.push(generation)
    request.adapter?.users.add(generation)
    this.changed()
    return generation
  }

  /** Ends a generation, finished or not; what is in flight for it no longer counts. */
  stop(generation: Generation): void {
    generation.finish()
    remove(this.waiting, generation)
    this.release(generation)
    generation.adapter?.users.delete(generation)
    this.changed()
  }

  /** Runs `work` with an empty sequence until it returns true. It may submit one batch each time, and awaits it. */
  runExclusively(work: (sequence: number) => Promise<boolean>, adapter?: Adapter): ExclusiveJob {
    this.check()
    refuseBeyond(this.options.maxQueue, this.waiting, this.running, this.sequences.free.length)
    const job = new ExclusiveJob(work, adapter)
    this.waiting.push(job)
    this.changed()
    return job
  }

  /** Runs `work` while no batch is being made, as soon as it is ready; the batches that were submitted go on. */
  betweenBatches<T>(work: () => Promise<T>, isReady: () => boolean = () => true): Promise<T> {
    this.check()
    const done = this.changes.add(work, isReady)
    this.changed()
    return done
  }

  cancel(job: ExclusiveJob, error: Error): void {
    remove(this.waiting, job)
    job.fail(error)
    this.releaseJob(job)
    this.changed()
  }

  /** The reader of a paused generation wants more. */
  private resume(generation: Generation): void {
    const waits = generation.sequence === undefined && !this.waiting.includes(generation)
    if (waits && !generation.done) this.waiting.push(generation)
    this.changed()
  }

  private changed(): void {
    this.wake()
    if (!this.looping) void this.loop()
  }

  /** Runs while there is something to do: admit, then submit what is planned, then wait for results or requests. */
  private async loop(): Promise<void> {
    this.looping = true
    const rest = this.loaded.runner.busy()
    try {
      while (this.waiting.length + this.running.length + this.jobs.length + this.inFlight + this.changes.count > 0) {
        const change = new Promise<void>((resolve) => {
          this.wake = resolve
        })
        if (this.changes.count > 0) await this.changes.run()
        if (!this.device.isMending) this.admit()
        if (!this.device.isMending && this.inFlight < MAX_IN_FLIGHT && (await this.step())) continue
        // Requests that wait for a sequence look again when an owner may have become idle.
        const timer = this.waiting.length > 0 ? setTimeout(() => this.wake(), IDLE_MS) : undefined
        await change
        clearTimeout(timer)
      }
    } catch (error) {
      this.broken(error as Error)
    } finally {
      this.looping = false
      rest()
    }
  }

  /** Throws what went wrong with the device, unless that is being mended. */
  check(): void {
    const { error } = this.device
    if (error !== undefined && !this.broken(error)) throw error
  }

  /**
   * Everything fails with the device, unless that is lost and another can be had: then the generations wait for it, in the
   * order in which they came, and compute their tokens anew. Returns whether they wait.
   */
  private broken(error: Error): boolean {
    if (this.device.isMending) return true
    const mending = this.device.mend(error, (failure) => {
      if (failure !== undefined) this.failAll(failure)
      this.changed()
    })
    const waiting = mending ? [...this.running, ...this.waiting.splice(0)].sort((a, b) => a.order - b.order) : []
    if (mending) for (const generation of [...this.running]) this.release(generation)
    // What the others hold was on the device.
    this.failAll(error)
    this.waiting.push(...waiting)
    return mending
  }

  /** Gives free sequences to those who wait, in the order they came. */
  private admit(): void {
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      const find = () => this.sequences.find(first.tokens, first.adapter)
      const match = find() ?? (this.preemptIdle() && find())
      if (!match) return
      this.waiting.shift()
      if (first instanceof Generation) this.run(first, match.sequence, first.request.recompute ? 0 : match.shared)
      else {
        this.sequences.allocate(match.sequence, first, 0)
        this.loaded.runner.assignAdapter(match.sequence.index, first.adapter?.slot ?? 0)
        first.sequence = match.sequence
        this.jobs.push(first)
      }
    }
  }

  /** waiting → running. */
  private run(generation: Generation, sequence: Sequence, shared: number): void {
    const { runner } = this.loaded
    this.sequences.allocate(sequence, generation, shared)
    if (generation.admit(sequence, shared)) {
      this.totals.promptTokens += generation.request.prompt.length
      this.totals.cachedTokens += shared
    }
    runner.writeTokens(sequence.index, 0, generation.tokens)
    runner.writeSettings(sequence.index, generation.takeSettings())
    runner.assignAdapter(sequence.index, generation.adapter?.slot ?? 0)
    this.running.push(generation)
  }

  /** Takes the sequence of the generation that has been idle for the longest; it will compute its tokens anew. */
  private preemptIdle(): boolean {
    const longest = longestIdle(this.running)
    if (longest === undefined) return false
    this.release(longest)
    return true
  }

  /** Gives a generation's sequence back. What it holds stays, for the conversation to go on from. */
  private release(generation: Generation): void {
    const { sequence } = generation
    if (sequence === undefined) return
    this.sequences.release(sequence, generation.tokens.slice(0, generation.settled))
    generation.leave()
    remove(this.running, generation)
  }

  private releaseJob(job: ExclusiveJob): void {
    remove(this.jobs, job)
    if (job.sequence === undefined) return
    this.sequences.release(job.sequence, [])
    job.sequence = undefined
  }

  /** Does the next thing: a part of a job, a copy, or a batch. Returns whether there was something to do. */
  private async step(): Promise<boolean> {
    const job = this.jobs[0]
    if (job !== undefined && (this.jobsTurn || !this.running.some((one) => one.runnable))) {
      this.jobsTurn = false
      if (await job.step()) this.releaseJob(job)
      return true
    }
    this.jobsTurn = true
    const plan = this.planner.plan(this.running, job !== undefined)
    if (plan?.kind === 'copy') this.totals.cachedTokens += await copyBeginning(plan, this.loaded.runner, this.sequences)
    else if (plan !== undefined) await this.submit(plan)
    return plan !== undefined
  }

  private async submit(plan: BatchPlan): Promise<void> {
    const { runner } = this.loaded
    for (const { generation, sequence, positions, choices, guessed } of plan.shares) {
      if (generation.settingsChanged) runner.writeSettings(sequence.index, generation.takeSettings())
      if (guessed.length > 0) runner.writeTokens(sequence.index, generation.tokens.length, guessed)
      generation.scheduled(positions, choices)
    }
    // Generations that did not fit, and prompts that wait for their turn, come first the next time.
    const served = new Set(plan.shares.map((share) => share.generation))
    this.running = this.running.filter((one) => !served.has(one)).concat([...served])
    const [alone, processed] = [this.inFlight === 0, this.processed]
    let wanted = true
    const known = async () => {
      await processed
      wanted = isWanted(plan)
      return wanted
    }
    const submitted = await runner.sample(plan, known).catch((error: Error) => this.failPlan(plan, error))
    if (submitted === undefined || !wanted) return
    this.inFlight++
    this.processed = submitted.result
      .then(async (choices) => {
        const end = performance.now()
        // Batches end in their order, but WebGPU promises none to those who wait for two buffers, and Firefox keeps none.
        await processed
        this.pace.observe(plan, alone, submitted.start, end)
        for (const generation of postprocess(plan, choices, this.totals)) this.release(generation)
      })
      // Batches of a device that is gone fail after another has taken its place.
      .catch((error: unknown) => runner === this.loaded.runner && this.broken(error as Error))
      .finally(() => {
        this.inFlight--
        this.changed()
      })
    // The GPU has all of the batch now. Where it is done already, its tokens go first.
    setTimeout(() => prepareOne(plan.shares, this.totals.generatedTokens))
  }

  /** A batch that could not be submitted, such as one whose kernels do not compile, fails those who are in it. */
  private failPlan({ shares }: BatchPlan, error: Error): undefined {
    if (error instanceof DeviceLostError) return void this.broken(error)
    for (const { generation, sequence } of shares) {
      generation.fail(error)
      this.release(generation)
      // Also that of a generation that left meanwhile: what it noted as computed is not.
      this.sequences.clear(sequence)
    }
  }

  private failAll(error: Error): void {
    for (const generation of [...this.running]) {
      generation.fail(error)
      this.release(generation)
    }
    for (const job of [...this.jobs]) {
      job.fail(error)
      this.releaseJob(job)
    }
    for (const one of this.waiting.splice(0)) one.fail(error)
    this.changes.fail(error)
    // Nobody knows which batches ran: what the sequences hold must not be gone on from.
    for (const sequence of this.sequences.all) this.sequences.clear(sequence)
  }
}
