/** `doctor --self-test` and `doctor --tune`: whether this GPU computes right, and which kernels are fastest on it. */
import { platform } from '#platform'
import { SelfTestError } from '../errors.ts'
import { openSource } from '../formats/source.ts'
import type { Gpu } from '../gpu/device.ts'
import { createStopwatch } from '../gpu/stopwatch.ts'
import { type BatchClass, choiceKey, matmulFor } from '../gpu/tuning.ts'
import { WEIGHT_LAYOUTS } from '../kernels/weight-layouts.ts'
import { Autotuner, type TuningResult } from '../model/autotune.ts'
import { openCheckpoint } from '../model/checkpoint.ts'
import { matricesOf } from '../model/kernel-choice.ts'
import { KernelNotes } from '../model/kernel-notes.ts'
import { type Check, selfTest } from '../model/self-test.ts'
import type { MatrixShape } from '../model/tuning-stand.ts'
import { digits, table } from './bench/render.ts'

/** What the self-test found. */
export interface SelfTestFinding {
  readonly passed: boolean
  readonly ms: number
  readonly checks: readonly Check[]
  /** What is not used because it errs. */
  readonly off: readonly string[]
  /** What an issue should say; null where there is nothing to report. */
  readonly report: string | null
}

/** What the tuner found. */
export interface TuneFinding {
  readonly ms: number
  /** The choice is used when models are loaded: not on software adapters, whose kernels are fixed. */
  readonly remembered: boolean
  /** False where the time ran out first; what is remembered is gone on from by the next run. */
  readonly complete: boolean
  readonly kernels: readonly TunedKernel[]
  readonly failed: readonly string[]
}

export interface TunedKernel {
  readonly matrices: string
  readonly kernel: string
  readonly ms: number
  readonly chosen: boolean
  /** What this GPU would use without a measurement. */
  readonly default: boolean
}

const { q4, q8, f16, bf16 } = WEIGHT_LAYOUTS

/** Runs every check anew, and remembers what it finds. Throws `DeviceLostError`. */
export async function runSelfTest(gpu: Gpu): Promise<SelfTestFinding> {
  const layouts = [q4, q8, f16, bf16]
  const start = performance.now()
  try {
    const { tuning, off, checks } = await selfTest(gpu, { layouts })
    const ms = performance.now() - start
    const names = layouts.map(({ name }) => name)
    const notes = new KernelNotes(gpu, await platform.openNotes())
    if (!gpu.software) await notes.write({ selfTest: { layouts: names, tuning, off } })
    return { passed: true, ms, checks, off, report: null }
  } catch (error) {
    if (!(error instanceof SelfTestError)) throw error
    return { passed: false, ms: performance.now() - start, checks: [], off: [], report: error.report }
  }
}

/** The matrices of Mistral 7B under `weights: 'q4'`. */
const SEVEN_B: readonly MatrixShape[] = [
  { layout: q4, rows: 6144, cols: 4096 },
  { layout: q4, rows: 4096, cols: 4096 },
  { layout: q4, rows: 28672, cols: 4096 },
  { layout: q4, rows: 4096, cols: 14336 },
  { layout: q8, rows: 32768, cols: 4096 },
]
/** Software adapters would take minutes for those. */
const SMALL: readonly MatrixShape[] = [{ layout: q4, rows: 2048, cols: 512 }]
/** Whoever asks for a table waits for all of it. */
const BUDGET_MS = 120_000

/** Measures the kernels for a model's matrices, or those of Mistral 7B. Throws what opening a model throws. */
export async function runTuner(gpu: Gpu, model: string | undefined): Promise<TuneFinding> {
  const matrices = model === undefined ? (gpu.software ? SMALL : SEVEN_B) : await matricesOfModel(gpu, model)
  const stopwatch = createStopwatch(gpu)
  const start = performance.now()
  try {
    const now = () => performance.now()
    const options = { exact: false, budgetMs: BUDGET_MS, stopwatch, now }
    const result = await (await Autotuner.create(gpu, matrices, options)).run()
    const ms = performance.now() - start
    const notes = new KernelNotes(gpu, await platform.openNotes())
    if (!gpu.software) await notes.write({ tuning: result })
    const { complete, failed } = result
    return { ms, remembered: !gpu.software, complete, kernels: kernelsOf(gpu, matrices, result), failed }
  } finally {
    stopwatch.destroy()
  }
}

async function matricesOfModel(gpu: Gpu, model: string): Promise<MatrixShape[]> {
  const files = await openSource(model, {})
  try {
    return await matricesOf(gpu, await openCheckpoint(files, {}), 'native')
  } finally {
    await files.close()
  }
}

const CLASSES: readonly BatchClass[] = [1, 4, 8, 'decode', 'many']

function kernelsOf(gpu: Gpu, matrices: readonly MatrixShape[], { measured, choices }: TuningResult): TunedKernel[] {
  const defaults = new Map<string, string>()
  for (const { layout, rows } of matrices) {
    for (const batchClass of CLASSES) {
      const name = matmulFor({ ...gpu.tuning, choices: undefined }, layout.name, rows, batchClass)
      defaults.set(choiceKey(layout.name, rows, batchClass), name)
    }
  }
  return Object.entries(measured).flatMap(([key, times]) =>
    Object.entries(times).map(([kernel, ms]) => ({
      matrices: key,
      kernel,
      ms,
      chosen: (choices[key] ?? defaults.get(key)) === kernel,
      default: defaults.get(key) === kernel,
    })),
  )
}

export function renderSelfTest({ passed, ms, checks, off, report }: SelfTestFinding): string[] {
  if (!passed) return ['This GPU computes wrong. Please open an issue with this report:', '', ...report!.split('\n')]
  return [
    ...checks.map(
      ({ name, fault }) => `  ${fault === undefined ? 'right' : 'WRONG'}  ${name}${fault ? `: ${fault}` : ''}`,
    ),
    `  ${off.length === 0 ? 'everything is right' : `not used: ${off.join(', ')}`} (${Math.round(ms)} ms)`,
  ]
}

export function renderTuning({ ms, remembered, complete, kernels, failed }: TuneFinding): string[] {
  const mark = (kernel: TunedKernel) => (kernel.chosen ? 'chosen' : kernel.default ? 'default' : '')
  return [
    ...table(
      ['matrices', 'kernel', 'ms', ''],
      kernels.map((kernel) => [kernel.matrices, kernel.kernel, digits(kernel.ms), mark(kernel)]),
    ),
    ...(failed.length > 0 ? [`wrong, or refused by the compiler: ${failed.join(', ')}`] : []),
    ...(complete ? [] : ['not all of them: the time was over first']),
    remembered
      ? `measured in ${digits(ms / 1000)} s, and remembered for the models that are loaded on this GPU`
      : `measured in ${digits(ms / 1000)} s; software adapters have a fixed choice, which stays`,
  ]
}
