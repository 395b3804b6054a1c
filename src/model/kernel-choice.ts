/** Decides while a model is loaded which kernels its device computes with: a self-test first, then measurements beside the download. */
import { platform } from '#platform'
import { type Check, check, checkParameter, oneOf } from '../checks.ts'
import type { Gpu } from '../gpu/device.ts'
import { createStopwatch, type Stopwatch } from '../gpu/stopwatch.ts'
import { HARDWARE, type MatmulVariant } from '../gpu/tuning.ts'
import type { CacheDtype } from '../kernels/cache-layouts.ts'
import { type PieceLimits, pieceRows } from '../kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../kernels/weight-layouts.ts'
import type { Notes } from '../platform/types.ts'
import { Autotuner, isMeasured, type TuningResult } from './autotune.ts'
import type { Checkpoint } from './checkpoint.ts'
import { isMatmul, KernelNotes, namesExist, type TestedKernels } from './kernel-notes.ts'
import { type KernelReport, plainReport, type SelfTestOption, type TuningOption } from './kernel-report.ts'
import { haveOneLayout, nativeLayout } from './repack.ts'
import { selfTest } from './self-test.ts'
import type { WeightName } from './shapes.ts'
import type { WeightsOption } from './size-types.ts'
import type { MatrixShape } from './tuning-stand.ts'

export interface ChoiceOptions {
  readonly tuning?: TuningOption | undefined
  readonly selfTest?: SelfTestOption | undefined
  readonly weights?: WeightsOption | undefined
  readonly kvCache?: 'auto' | CacheDtype | undefined
  readonly hooks?: ChoiceHooks | undefined
}

/** For tests: another clock and another store, and checks that are to fail. */
export interface ChoiceHooks {
  readonly stopwatch?: Stopwatch
  readonly now?: () => number
  readonly notes?: Notes
  readonly fails?: (check: string) => boolean
}

/** All measurements of a load together take about so long at most. */
const BUDGET_MS = 1500

/** A choice that is being made while weights come. */
export interface PendingChoice {
  /** The device to load with, on which nothing errs. */
  readonly gpu: Gpu
  /** Ends the measurements, and gives the device with the kernels to use. */
  end(): Promise<{ readonly gpu: Gpu; readonly report: KernelReport }>
}

/** Throws `ParameterError` for kernels that do not exist, `SelfTestError`, `DeviceError`. */
export async function beginChoice(plain: Gpu, checkpoint: Checkpoint, options: ChoiceOptions): Promise<PendingChoice> {
  const { tuning = 'auto', selfTest = 'once', weights = 'native', hooks = {} } = options
  checkParameter('tuning', tuning, tuningOption)
  checkParameter('selfTest', selfTest, oneOf('once', 'always', 'never'))
  const notes = new KernelNotes(plain, hooks.notes ?? (await platform.openNotes()))
  const matrices = await matricesOf(plain, checkpoint, weights)
  const cache = options.kvCache === 'q8' ? 'q8' : undefined
  const { kernels, state } = await testedKernels(plain, matrices, { selfTest, cache, notes, hooks })
  const gpu = plain.withTuning(kernels.tuning)
  const facts = { selfTest: state, off: kernels.off }
  const measures = tuning === 'measure' || (!gpu.software && (tuning === 'auto' || tuning === 'exact'))
  if (measures) return measureBeside(gpu, matrices, { tuning, notes, facts, hooks })
  const report = { ...plainReport(gpu, typeof tuning === 'object' ? 'given' : 'default'), ...facts }
  return { gpu, end: async () => ({ gpu, report }) }
}

/** The kernels that do not err on this device: as the self-test finds now, or found once. */
async function testedKernels(
  gpu: Gpu,
  matrices: readonly MatrixShape[],
  options: {
    readonly selfTest: SelfTestOption
    readonly cache: CacheDtype | undefined
    readonly notes: KernelNotes
    readonly hooks: ChoiceHooks
  },
): Promise<{ kernels: TestedKernels; state: KernelReport['selfTest'] }> {
  const { notes, hooks, cache } = options
  const layouts = [...new Map(matrices.map(({ layout }) => [layout.name, layout])).values()]
  const names = [...layouts.map((layout): string => layout.name), ...(cache === undefined ? [] : [`${cache} cache`])]
  // Software adapters are those that this library's own tests run on.
  if (options.selfTest === 'never' || (options.selfTest === 'once' && gpu.software)) {
    return { kernels: { layouts: [], tuning: {}, off: [] }, state: 'skipped' }
  }
  const known = (await notes.read()).selfTest
  if (options.selfTest === 'once' && known !== undefined && names.every((name) => known.layouts.includes(name))) {
    return { kernels: known, state: 'remembered' }
  }
  const { tuning, off } = await selfTest(gpu, { layouts, cache, fails: hooks.fails })
  const kernels = { layouts: names, tuning, off }
  await notes.write({ selfTest: kernels })
  return { kernels, state: 'passed' }
}

interface Measuring {
  readonly tuning: TuningOption
  readonly notes: KernelNotes
  readonly facts: Pick<KernelReport, 'selfTest' | 'off'>
  readonly hooks: ChoiceHooks
}

async function measureBeside(
  gpu: Gpu,
  matrices: readonly MatrixShape[],
  { tuning, notes, facts, hooks }: Measuring,
): Promise<PendingChoice> {
  const kind = tuning === 'exact' ? 'exact' : 'tuning'
  const known = tuning === 'measure' ? undefined : (await notes.read())[kind]
  if (known !== undefined && isMeasured(matrices, known)) {
    const end = async () => chosenBy(gpu, known, 'remembered', facts)
    return { gpu, end }
  }
  const stopwatch = hooks.stopwatch ?? createStopwatch(gpu)
  const options = {
    exact: kind === 'exact',
    budgetMs: BUDGET_MS,
    stopwatch,
    now: hooks.now ?? (() => performance.now()),
    known,
  }
  // Without room for it, or when it fails on the way, nothing is chosen; a device that failed says so to whatever loads.
  const tuner = await gpu.guard('measuring kernels', () => Autotuner.create(gpu, matrices, options)).catch(noResult)
  const running = tuner?.run().catch(noResult) ?? Promise.resolve(undefined)
  running.finally(() => stopwatch.destroy())
  return {
    gpu,
    async end() {
      if (tuning !== 'measure') tuner?.stop()
      const result = (await running) ?? known
      if (result === undefined) return { gpu, report: { ...plainReport(gpu), ...facts } }
      const isNew = Object.keys(result.measured).length > Object.keys(known?.measured ?? {}).length
      if (isNew) await notes.write({ [kind]: result })
      return chosenBy(gpu, result, isNew ? 'measured' : known === undefined ? 'default' : 'remembered', facts)
    },
  }
}

function chosenBy(
  gpu: Gpu,
  { choices, measured, failed }: TuningResult,
  origin: KernelReport['origin'],
  facts: Measuring['facts'],
): { gpu: Gpu; report: KernelReport } {
  const chosen = gpu.withTuning({ choices: withoutOff(choices, facts.off) })
  const off = [...facts.off, ...failed]
  return { gpu: chosen, report: { ...plainReport(chosen, origin), ...facts, measured, off } }
}

const noResult = () => undefined

/** A kernel that the self-test found wrong is not chosen, whatever was measured once. */
function withoutOff(choices: TuningResult['choices'], off: readonly string[]): Record<string, MatmulVariant> {
  const none = off.some((what) => /^every matrix product/.test(what))
  const left = Object.entries(choices).filter(([, name]) => !none && !off.includes(`matrix product ${name}`))
  return Object.fromEntries(left)
}

const tuningOption: Check = (value) => {
  if (typeof value !== 'object' || value === null) {
    return check((name) => ['auto', 'exact', 'measure', 'off'].includes(name as string), ALLOWED)(value)
  }
  const field = Object.keys(value).find((name) => !FIELDS.includes(name))
  if (field !== undefined) return { value: field, allowed: `made of ${FIELDS.join(', ')}` }
  const { matmul = {}, choices = {}, pieceBytes = 1 } = value as Record<string, unknown>
  if (!(Number(pieceBytes) > 0)) return { value: pieceBytes, allowed: 'bytes of a piece above 0' }
  const names = [matmul, choices].flatMap((table) => (namesExist(table) ? [] : Object.values(table ?? {})))
  const unknown = names.find((name) => !isMatmul(name))
  return unknown === undefined ? undefined : { value: unknown, allowed: 'the name of a kernel' }
}
const FIELDS = ['nativeF16', 'subgroupLanes', 'choices', 'pieceBytes', ...Object.keys(HARDWARE)]
const ALLOWED = 'auto, exact, measure, off, or an object of kernels'

/** The pieces of a model's matrices as they will lie on the GPU, once for each shape and layout. */
export async function matricesOf(
  limits: PieceLimits,
  checkpoint: Checkpoint,
  weights: WeightsOption,
): Promise<MatrixShape[]> {
  const found = new Map<string, MatrixShape>()
  const add = async (names: readonly WeightName[], ends = false): Promise<void> => {
    const infos = names.map((name) => checkpoint.tensor(name))
    const rows = infos.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0)
    const cols = infos[0]!.shape[1] ?? 1
    const layout: WeightLayout =
      weights === 'native' ? await nativeLayout(infos.map(({ dtype }) => dtype)) : WEIGHT_LAYOUTS[ends ? 'q8' : weights]
    for (const piece of pieceRows(limits, layout, { rows, cols })) {
      found.set(`${layout.name} ${piece} ${cols}`, { layout, rows: piece, cols })
    }
  }
  for (let i = 0; i < checkpoint.config.nLayers; i++) {
    const name = (matrix: 'wq' | 'wk' | 'wv' | 'wo' | 'w1' | 'w2' | 'w3') => `layers.${i}.${matrix}` as const
    for (const run of runsOf(checkpoint, [name('wq'), name('wk'), name('wv')], weights)) await add(run)
    await add([name('wo')])
    await add([name('w1'), name('w3')])
    await add([name('w2')])
  }
  await add(['output'], true)
  return [...found.values()]
}

/** Neighbours of one layout, which become one matrix. */
function runsOf({ tensor }: Checkpoint, names: readonly WeightName[], weights: WeightsOption): WeightName[][] {
  const runs: WeightName[][] = []
  for (const name of names) {
    const last = runs.at(-1)
    const alike =
      last !== undefined && (weights !== 'native' || haveOneLayout(tensor(last[0]!).dtype, tensor(name).dtype))
    if (alike) last.push(name)
    else runs.push([name])
  }
  return runs
}
