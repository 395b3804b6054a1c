import { QueueFullError } from '../errors.ts'
import type { Engine } from '../model/engine.ts'
import { type Choices, MAX_IN_FLIGHT, MAX_STEPS, type Submitted } from '../model/runner.ts'
import { Generation, type GenerationRequest } from './generation.ts'
import { Pace } from './pace.ts'
import { deliver, type Plan, Planner, type Totals, writeSettings } from './planner.ts'
import { type Holder, type Slot, Slots } from './slots.ts'

export interface SchedulerOptions {
  /** Requests that may wait for a sequence. */
  readonly maxQueue: number
  /** Steps per readback; undefined: as the adapter wants it. */
  readonly steps?: number | undefined
}

/** A computation that needs a slot for itself for a while. */
interface Job extends Holder {
  /** Runs one batch; true when it is done. */
  step(slot: Slot): Promise<boolean>
  fail(error: Error): void
  slot: Slot | undefined
}

/** A generation whose consumer takes nothing loses its slot after this time when others wait for one. */
const IDLE_MS = 100

/**
 * Continuous batching: all generations that have a slot decode together, one row each, and chunks of new prompts run
 * between their steps. Up to two batches are in flight, so that the GPU has work while results travel. Each generation's
 * tokens are what they would be alone: the sampler depends on its own history and seed only.
 */
export class Scheduler {
  readonly totals: Totals = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 }
  private readonly slots: Slots
  private readonly pace: Pace
  private readonly planner: Planner
  private readonly waiting: (Generation | Job)[] = []
  /** Those that have a slot, the one whose turn it is first. */
  private active: Generation[] = []
  private jobs: Job[] = []
  private inFlight = 0
  private looping = false
  private jobsTurn = true
  private count = 0
  private wake: () => void = () => {}

  constructor(
    private readonly engine: Engine,
    private readonly options: SchedulerOptions,
  ) {
    this.slots = new Slots(engine)
    this.pace = new Pace(engine.readbackMs, MAX_STEPS, options.steps)
    this.planner = new Planner(engine, this.slots, this.pace, this.totals)
  }

  get running(): number {
    return this.active.length + this.jobs.length
  }

  get queued(): number {
    return this.waiting.length
  }

  /** Throws `QueueFullError`, unless it is a `sibling` of a request that was let in, and `DeviceError`. */
  start(request: GenerationRequest, sibling = false): Generation {
    this.engine.gpu.check()
    if (!sibling) this.refuseBeyondQueue()
    const generation = new Generation(request, this.count++, () => this.resume(generation))
    this.waiting.push(generation)
    this.changed()
    return generation
  }

  /** Those who come back after they lost their sequence were let in before. */
  private refuseBeyondQueue(): void {
    const fresh = this.waiting.filter((one) => !(one instanceof Generation) || one.cachedTokens === undefined).length
    const idle = this.active.filter((generation) => generation.idleSince !== undefined).length
    const free = this.slots.all.filter((slot) => slot.holder === undefined).length + idle
    const { maxQueue } = this.options
    if (fresh + 1 - free > maxQueue) throw new QueueFullError(Math.max(0, fresh - free), maxQueue)
  }

  /** Ends a generation, finished or not; what is in flight for it no longer counts. */
  stop(generation: Generation): void {
    generation.done = true
    remove(this.waiting, generation)
    this.leave(generation)
    this.changed()
  }

  /** Runs `step` with an empty slot until it returns true. `step` may submit one batch and await it. */
  withSlot(step: (sequence: number) => Promise<boolean>): { finished: Promise<void>; cancel(error: Error): void } {
    this.engine.gpu.check()
    this.refuseBeyondQueue()
    let job!: Job
    const finished = new Promise<void>((resolve, reject) => {
      job = {
        tokens: [],
        settled: 0,
        slot: undefined,
        step: async (slot) => {
          const done = await step(slot.index)
          if (done) resolve()
          return done
        },
        fail: reject,
      }
    })
    this.waiting.push(job)
    this.changed()
    const cancel = (error: Error) => {
      remove(this.waiting, job)
      job.fail(error)
      this.dropJob(job)
      this.changed()
    }
    return { finished, cancel }
  }

  /** A paused generation's consumer wants more. */
  private resume(generation: Generation): void {
    if (!generation.done && generation.slot === undefined && !this.waiting.includes(generation)) {
      this.waiting.push(generation)
    }
    this.changed()
  }

  private changed(): void {
    this.wake()
    if (!this.looping) void this.loop()
  }

  private async loop(): Promise<void> {
    this.looping = true
    try {
      while (this.waiting.length + this.active.length + this.jobs.length + this.inFlight > 0) {
        const change = this.nextChange()
        this.admit()
        if (this.inFlight < MAX_IN_FLIGHT && (await this.submit())) continue
        // Whoever waits for a slot looks again when a holder may have become idle.
        const timer = this.waiting.length > 0 ? setTimeout(() => this.wake(), IDLE_MS) : undefined
        await change
        clearTimeout(timer)
      }
    } catch (error) {
      this.failAll(error as Error)
    } finally {
      this.looping = false
    }
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }

  private failAll(error: Error): void {
    for (const generation of [...this.active]) {
      generation.fail(error)
      this.leave(generation)
    }
    for (const job of [...this.jobs]) {
      job.fail(error)
      this.dropJob(job)
    }
    for (const one of this.waiting.splice(0)) one.fail(error)
    // Nobody knows which batches ran: what the slots hold must not be gone on from.
    for (const slot of this.slots.all) this.slots.empty(slot)
  }

  /** A batch that could not be submitted, such as one whose kernels do not compile, fails those who are in it. */
  private failPlan({ shares }: Plan, error: Error): void {
    for (const { generation, slot } of shares) {
      generation.fail(error)
      this.leave(generation)
      // Also of one that left meanwhile: what it noted as computed is not.
      this.slots.empty(slot)
    }
  }

  /** Gives free slots to those who wait, in the order they came. */
  private admit(): void {
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      const tokens = first instanceof Generation ? first.tokens : []
      const seat = this.slots.seatFor(tokens) ?? (this.evictIdle() ? this.slots.seatFor(tokens) : undefined)
      if (seat === undefined) return
      this.waiting.shift()
      const { slot, shared } = seat
      if (first instanceof Generation) this.seat(first, slot, first.request.recompute ? 0 : shared)
      else {
        this.slots.empty(slot)
        slot.holder = first
        first.slot = slot
        this.jobs.push(first)
      }
    }
  }

  private seat(generation: Generation, slot: Slot, shared: number): void {
    const { runner } = this.engine
    const { prompt } = generation.request
    slot.holder = generation
    if (shared === 0) slot.written = 0
    generation.slot = slot
    generation.computed = shared
    if (generation.cachedTokens === undefined) {
      generation.cachedTokens = shared
      this.totals.promptTokens += prompt.length
      this.totals.cachedTokens += shared
    }
    runner.writeTokens(slot.index, 0, generation.tokens)
    writeSettings(runner, generation)
    this.active.push(generation)
  }

  /** Takes the slot of the one that has been idle for the longest; it will compute its tokens anew. */
  private evictIdle(): boolean {
    let longest: Generation | undefined
    for (const generation of this.active) {
      const since = generation.idleSince
      if (since !== undefined && since < (longest?.idleSince ?? Infinity)) longest = generation
    }
    if (longest?.idleSince === undefined || performance.now() - longest.idleSince < IDLE_MS) return false
    this.leave(longest)
    return true
  }

  /** Gives the slot back. What it holds stays, for the conversation to go on from. */
  private leave(generation: Generation): void {
    const { slot } = generation
    if (slot === undefined) return
    slot.tokens = generation.tokens.slice(0, generation.settled)
    slot.holder = undefined
    slot.usedAt = performance.now()
    generation.slot = undefined
    generation.epoch++
    generation.ahead = 0
    remove(this.active, generation)
  }

  private dropJob(job: Job): void {
    remove(this.jobs, job)
    if (job.slot === undefined) return
    job.slot.holder = undefined
    job.slot = undefined
  }

  /** Submits the next batch, or runs the next part of a job. Returns whether there was something to do. */
  private async submit(): Promise<boolean> {
    const job = this.jobs[0]
    if (job !== undefined && (this.jobsTurn || !this.active.some((one) => one.runnable))) {
      this.jobsTurn = false
      await this.runJob(job)
      return true
    }
    this.jobsTurn = true
    const plan = await this.planner.plan(this.active, job !== undefined)
    if (plan === undefined) return false
    // Those that did not fit, and prompts that wait for their turn, come first the next time.
    const served = plan.shares.map((share) => share.generation).filter((one) => one.slot !== undefined)
    this.active = [...this.active.filter((one) => !served.includes(one)), ...served]
    let submitted: Submitted<Choices[]>
    try {
      submitted = await this.engine.runner.sample(plan)
    } catch (error) {
      this.failPlan(plan, error as Error)
      return true
    }
    // From here on: compiling a batch of a new shape says nothing about its speed.
    const start = performance.now()
    this.inFlight++
    void submitted.result
      .then((choices) => {
        if (plan.decodes) this.pace.observe(plan.steps, start, performance.now())
        for (const generation of deliver(this.engine.runner, plan, choices, this.totals)) this.leave(generation)
      })
      .catch((error: unknown) => this.failAll(error as Error))
      .finally(() => {
        this.inFlight--
        this.changed()
      })
    return true
  }

  private async runJob(job: Job): Promise<void> {
    try {
      if (await job.step(job.slot!)) this.dropJob(job)
    } catch (error) {
      job.fail(error as Error)
      this.dropJob(job)
    }
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
