/**
 * Measures which matrix products are fastest on this device: for each layout of the model's matrices, for matrices of many
 * and of few outputs, for each class of batches. A kernel that errs in a trial is never chosen.
 */
import type { Gpu } from '../gpu/device.ts'
import type { Stopwatch } from '../gpu/stopwatch.ts'
import { type BatchClass, type GpuMatmul, type MatmulVariant, matmulFor } from '../gpu/tuning.ts'
import { GPU_MATMULS } from '../kernels/gpu-matmuls.ts'
import { loadMatmuls } from '../kernels/load-matmuls.ts'
import type { WeightLayout } from '../kernels/weight-layouts.ts'
import { createTrial, isRight, type Trial, tryProduct } from './trial.ts'
import { ALL_BYTES, batchOf, groupsOf, type MatrixShape, Stand } from './tuning-stand.ts'

/** What was found out: the kernels that are faster than those that all devices begin with, by `choiceKey`. */
export interface TuningResult {
  readonly choices: Readonly<Record<string, MatmulVariant>>
  /** Milliseconds of each kernel that was timed. Of some keys none is, when the time was over. */
  readonly measured: Readonly<Record<string, Readonly<Partial<Record<MatmulVariant, number>>>>>
  /** Kernels that erred or did not compile, as `layout kernel`. */
  readonly failed: readonly string[]
  /** Every key has been measured. */
  readonly complete: boolean
}

export interface TuneOptions {
  /** Only kernels that round nothing. */
  readonly exact: boolean
  /** Milliseconds after which no further key is begun. */
  readonly budgetMs: number
  readonly stopwatch: Stopwatch
  /** Milliseconds since some beginning. */
  readonly now: () => number
  /** What an earlier run has found out: it is not measured again. */
  readonly known?: TuningResult | undefined
}

/** In the order of what users wait for. */
const CLASSES: readonly BatchClass[] = [1, 'many', 8, 4, 'decode']
/** A timed pass takes about so long, since clocks of GPUs are coarse. */
const PASS_MS = 3
const MOST_REPEATS = 64
const ROUNDS = 3
/** Passes that each kernel runs in, at least. */
const PASSES_OF_KERNEL = 2 + ROUNDS
/** What takes so many times as long as the fastest is not timed again. */
const HOPELESS = 2
/** What is not faster than by this stays as it is. */
const WORTHWHILE = 0.97
/** The widest type whose rounding hides that of activations, in bits of a weight. */
const MOST_BITS = { int8: 5.7, f16: 9 } as const

/** One run of the tuner. Its memory is taken when it is made; it shares the device's queue with whatever loads a model. */
export class Autotuner {
  private readonly choices: Record<string, MatmulVariant>
  private readonly measured: Record<string, Partial<Record<MatmulVariant, number>>>
  private readonly failed: Set<string>
  private readonly trials = new Map<string, Promise<Trial | undefined>>()
  private readonly right = new Map<string, Promise<boolean>>()
  private stopped = false
  private end = 0

  private constructor(
    private readonly gpu: Gpu,
    private readonly stands: readonly Stand[],
    private readonly options: TuneOptions,
  ) {
    this.choices = { ...options.known?.choices }
    this.measured = { ...options.known?.measured }
    this.failed = new Set(options.known?.failed)
  }

  /** Throws `MemoryError`, `DeviceError`. */
  static async create(gpu: Gpu, matrices: readonly MatrixShape[], options: TuneOptions): Promise<Autotuner> {
    await loadMatmuls({ ...gpu.tuning, choices: { any: 'tile' } })
    const groups = groupsOf(matrices)
    const stands: Stand[] = []
    try {
      for (const group of groups) {
        const stand = await Stand.create(gpu, group, ALL_BYTES / groups.length)
        if (stand !== undefined) stands.push(stand)
      }
    } catch (error) {
      for (const stand of stands) stand.destroy()
      throw error
    }
    return new Autotuner(gpu, stands, options)
  }

  /** Ends the run after what is being timed. */
  stop(): void {
    this.stopped = true
  }

  /** Measures until everything has been, or the time is over. Throws `DeviceError` when the device fails. */
  async run(): Promise<TuningResult> {
    const { now, budgetMs } = this.options
    this.end = now() + budgetMs
    let complete = true
    try {
      for (const batchClass of CLASSES) {
        for (const stand of this.stands) {
          if (this.measured[stand.group.key(batchClass)] !== undefined) continue
          if (this.stopped || now() >= this.end) complete = false
          else await this.measure(stand, batchClass)
        }
      }
    } finally {
      await this.destroy()
    }
    const { choices, measured, failed } = this
    return { choices, measured, failed: [...failed], complete }
  }

  private async measure(stand: Stand, batchClass: BatchClass): Promise<void> {
    const { group } = stand
    const { layout, rows } = group.shape
    const before = matmulFor({ ...this.gpu.tuning, choices: undefined }, layout.name, rows, batchClass)
    const names = [...new Set([before, ...candidates(this.gpu, layout, batchClass, this.options.exact)])]
    const right = await Promise.all(names.map((name) => this.isRight(layout, name, batchClass)))
    const times = await this.timeAll(
      stand,
      names.filter((_, i) => right[i]),
      batchClass,
    )
    const key = group.key(batchClass)
    this.measured[key] = Object.fromEntries(times)
    const fastest = [...times].sort((a, b) => a[1] - b[1])[0]
    if (fastest === undefined || fastest[0] === before) return
    const old = times.get(before)
    if (old === undefined || fastest[1] < WORTHWHILE * old) this.choices[key] = fastest[0]
  }

  private isRight(layout: WeightLayout, name: MatmulVariant, batchClass: BatchClass): Promise<boolean> {
    const id = `${layout.name} ${name}`
    let right = this.right.get(id)
    if (right === undefined) {
      right = this.tryOut(layout, name, batchClass).then((ok) => {
        if (!ok) this.failed.add(id)
        return ok
      })
      this.right.set(id, right)
    }
    return right
  }

  private async tryOut(layout: WeightLayout, name: MatmulVariant, batchClass: BatchClass): Promise<boolean> {
    let trial = this.trials.get(layout.name)
    if (trial === undefined) {
      trial = createTrial(this.gpu, layout)
      this.trials.set(layout.name, trial)
    }
    const made = await trial
    if (made === undefined) return false
    try {
      // One after another: they share the buffer of results.
      const previous = this.queue
      const mine = previous.then(() => tryProduct(this.gpu.withTuning(forced(name)), made, batchClass))
      this.queue = mine.catch(() => undefined)
      return isRight(await mine, roundingOf(name))
    } catch {
      // It does not compile here, unless the device is what failed.
      this.gpu.check()
      return false
    }
  }

  private queue: Promise<unknown> = Promise.resolve()

  /** The best of a few times of each, in milliseconds of one product. */
  private async timeAll(
    stand: Stand,
    names: readonly MatmulVariant[],
    batchClass: BatchClass,
  ): Promise<Map<MatmulVariant, number>> {
    const recordings = await Promise.all(
      names.map((name) => stand.record(this.gpu.withTuning(forced(name)), batchClass)),
    )
    const { stopwatch, now } = this.options
    const works = recordings.map((recording) => (times: number) => (pass: GPUComputePassEncoder) => {
      for (let i = 0; i < times; i++) recording.encode(pass, batchOf(batchClass))
    })
    // The first run of a pipeline takes longer. Where already the kernel that all begin with is slow, all of them together would
    // take too long, and it stays.
    const [, before = 0] = await stopwatch.time([works[0]!(1), works[0]!(1)])
    if (before * PASSES_OF_KERNEL * works.length > this.end - now()) {
      return new Map(names.slice(0, 1).map((name) => [name, before / stand.copies]))
    }
    await stopwatch.time(works.map((work) => work(1)))
    const once = await stopwatch.time(works.map((work) => work(1)))
    const least = Math.min(...once)
    const left = names.flatMap((name, i) => (once[i]! <= HOPELESS * least + 0.1 ? [{ name, i }] : []))
    const best = new Map(names.map((name, i) => [name, once[i]! / stand.copies]))
    if (left.length < 2) return best
    const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.ceil(PASS_MS / Math.max(least, 0.01))))
    for (let round = 0; round < ROUNDS; round++) {
      const ms = await stopwatch.time(left.map(({ i }) => works[i]!(repeats)))
      for (const [k, { name }] of left.entries()) {
        const one = ms[k]! / repeats / stand.copies
        best.set(name, round === 0 ? one : Math.min(one, best.get(name)!))
      }
    }
    return best
  }

  private async destroy(): Promise<void> {
    for (const stand of this.stands) stand.destroy()
    for (const trial of this.trials.values()) (await trial.catch(() => undefined))?.destroy()
  }
}

/** Whether nothing is left to measure for these matrices. */
export function isMeasured(matrices: readonly MatrixShape[], { measured }: TuningResult): boolean {
  return groupsOf(matrices).every(({ key }) => CLASSES.every((batchClass) => measured[key(batchClass)] !== undefined))
}

/** The same kernel for everything. */
export function forced(name: MatmulVariant) {
  return { choices: undefined, matmul: { 1: name, 4: name, 8: name, decode: name, many: name } } as const
}

export function roundingOf(name: MatmulVariant): 'nothing' | 'f16' | 'int8' {
  return Object.hasOwn(GPU_MATMULS, name) ? GPU_MATMULS[name as GpuMatmul].rounds : 'nothing'
}

/** What may be faster than the kernel that all devices begin with. */
export function candidates(gpu: Gpu, layout: WeightLayout, batchClass: BatchClass, exact: boolean): MatmulVariant[] {
  const plain: readonly MatmulVariant[] =
    batchClass === 1 ? ['vector'] : batchClass === 4 ? ['vector', 'batch4'] : ['batch8']
  const { quants, scales } = layout.rowBytes(8)
  const bits = (quants + scales) / 32
  const others = Object.entries(GPU_MATMULS).filter(
    ([, { classes, runsOn, rounds }]) =>
      classes.includes(batchClass) &&
      runsOn(gpu, layout) &&
      (rounds === 'nothing' || (!exact && bits <= MOST_BITS[rounds])),
  )
  return [...plain, ...others.map(([name]) => name as GpuMatmul)]
}
