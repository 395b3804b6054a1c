/**
 * Finds out on the user's own device whether the kernels compute right: small products whose results are known, and the answer
 * of a tiny model. What errs is switched off, step by step, down to the plainest kernels.
 */
import { DeviceLostError, SelfTestError } from '../errors.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { BatchClass, GpuMatmul, MatmulVariant, Tuning } from '../gpu/tuning.ts'
import { CACHE_LAYOUTS, type CacheDtype } from '../kernels/cache-layouts.ts'
import { GPU_MATMULS } from '../kernels/gpu-matmuls.ts'
import type { WeightLayout } from '../kernels/weight-layouts.ts'
import { forced, roundingOf } from './autotune.ts'
import { createCache } from './kv-cache.ts'
import { Mistral } from './mistral.ts'
import { Runner } from './runner.ts'
import { TINY_CONFIG, TINY_LOGITS, TINY_PROMPT, tinyCheckpoint } from './self-test-model.ts'
import { createTrial, isRight, type Trial, tryProduct } from './trial.ts'
import { loadWeights } from './weights.ts'
import { createWorkspace } from './workspace.ts'

/** One check and what came of it: undefined where it is right, else what is wrong. */
export interface Check {
  readonly name: string
  readonly fault: string | undefined
}

export interface SelfTestResult {
  /** What to change in the device's tuning, so that all kernels in use compute right. */
  readonly tuning: Partial<Tuning>
  /** What was switched off, in words. */
  readonly off: readonly string[]
  readonly checks: readonly Check[]
}

export interface SelfTestOptions {
  /** Layouts of the model's matrices. */
  readonly layouts: readonly WeightLayout[]
  /** The type of the key/value cache. Default: what the device uses where nobody names one. */
  readonly cache?: CacheDtype | undefined
  /** For tests: the checks that are to fail, by their names. */
  readonly fails?: ((name: string) => boolean) | undefined
}

/** What may be given up, from what costs least to do without. Each step keeps those before it. */
const STEPS: readonly { readonly off: string; readonly change: (tuning: Tuning) => Partial<Tuning> }[] = [
  {
    off: 'norms inside of products',
    change: () => ({ foldedNorms: { 1: false, 4: false, 8: false, decode: false, many: false } }),
  },
  { off: 'shared bind groups', change: () => ({ sharedBindGroups: false }) },
  { off: 'every attention but the plainest', change: () => ({ attention: 'rows' }) },
  { off: 'every matrix product but the plainest', change: () => forced('vector') },
  { off: 'native f16', change: () => ({ nativeF16: false }) },
  { off: 'subgroups', change: () => ({ subgroupLanes: 0 }) },
]

/** Throws `SelfTestError` when even the plainest kernels err, `DeviceLostError`. */
export async function selfTest(gpu: Gpu, options: SelfTestOptions): Promise<SelfTestResult> {
  const test = new SelfTest(gpu, options)
  try {
    return await test.run()
  } finally {
    test.destroy()
  }
}

class SelfTest {
  private readonly checks: Check[] = []
  private readonly trials: Trial[] = []

  constructor(
    private readonly gpu: Gpu,
    private readonly options: SelfTestOptions,
  ) {}

  async run(): Promise<SelfTestResult> {
    for (const layout of this.options.layouts) {
      const trial = await createTrial(this.gpu, layout)
      if (trial !== undefined) this.trials.push(trial)
    }
    const off: string[] = []
    let tuning = await this.withoutWrongMatmuls(this.gpu.tuning, off)
    if (await this.works(tuning)) return this.result(tuning, off)
    for (const step of STEPS) {
      const next = { ...tuning, ...step.change(tuning) }
      if (JSON.stringify(next) === JSON.stringify(tuning)) continue
      tuning = next
      off.push(step.off)
      if (await this.works(tuning)) return this.result(tuning, off)
    }
    throw new SelfTestError(report(this.gpu, this.checks))
  }

  destroy(): void {
    for (const trial of this.trials) trial.destroy()
  }

  private result(tuning: Tuning, off: readonly string[]): SelfTestResult {
    const changed = Object.entries(tuning).filter(([name, value]) => this.gpu.tuning[name as keyof Tuning] !== value)
    return { tuning: Object.fromEntries(changed), off, checks: this.checks }
  }

  /** The products that more than one row or a choice of the tuner asks for, one by one; the vector is what replaces them. */
  private async withoutWrongMatmuls(tuning: Tuning, off: string[]): Promise<Tuning> {
    const classes = Object.entries(tuning.matmul) as [string, MatmulVariant][]
    const uses = [...classes, ...Object.entries(tuning.choices ?? {})]
    const wrong = new Set<MatmulVariant>()
    for (const name of new Set(uses.map(([, name]) => name))) {
      if (name === 'vector' || (await this.productsAreRight(tuning, name))) continue
      wrong.add(name)
      off.push(`matrix product ${name}`)
    }
    if (wrong.size === 0) return tuning
    const matmul = Object.fromEntries(classes.map(([key, name]) => [key, wrong.has(name) ? 'vector' : name]))
    const choices = Object.entries(tuning.choices ?? {}).filter(([, name]) => !wrong.has(name))
    return { ...tuning, matmul: matmul as Record<BatchClass, MatmulVariant>, choices: Object.fromEntries(choices) }
  }

  private async works(tuning: Tuning): Promise<boolean> {
    return (await this.productsAreRight(tuning, 'vector')) && (await this.answers(tuning))
  }

  private async productsAreRight(tuning: Tuning, name: MatmulVariant): Promise<boolean> {
    let right = true
    for (const trial of this.trials) {
      if (!takes(this.gpu, name, trial.layout)) continue
      const view = this.gpu.withTuning({ ...tuning, ...forced(name) })
      const what = `${name}, ${trial.layout.name}${featuresOf(tuning)}`
      right = (await this.check(what, async () => faultOfProduct(view, trial, name))) && right
    }
    return right
  }

  private answers(tuning: Tuning): Promise<boolean> {
    const used = [...new Set(Object.values(tuning.matmul))].join(' ')
    const { attention, foldedNorms, sharedBindGroups } = tuning
    const cache = this.options.cache ?? (this.gpu.has('shader-f16') ? 'f16' : 'f32')
    const parts = [
      `tiny model, ${used}`,
      ...(Object.values(foldedNorms).includes(true) ? ['norms inside of products'] : []),
      ...(sharedBindGroups ? ['shared bind groups'] : []),
      `attention in ${attention}`,
      ...(cache === 'q8' ? ['q8 cache'] : []),
    ]
    return this.check(parts.join(', ') + featuresOf(tuning), () => faultOfModel(this.gpu.withTuning(tuning), cache))
  }

  private async check(name: string, run: () => Promise<string | undefined>): Promise<boolean> {
    let fault: string | undefined
    try {
      fault = await run()
    } catch (error) {
      if (error instanceof DeviceLostError) throw error
      this.gpu.check()
      fault = error instanceof Error ? error.message : String(error)
    }
    if (this.options.fails?.(name)) fault = 'made to fail'
    this.checks.push({ name, fault })
    return fault === undefined
  }
}

function takes(gpu: Gpu, name: MatmulVariant, layout: WeightLayout): boolean {
  return !Object.hasOwn(GPU_MATMULS, name) || GPU_MATMULS[name as GpuMatmul].runsOn(gpu, layout)
}

function featuresOf({ nativeF16, subgroupLanes }: Tuning): string {
  return `${nativeF16 ? ', native f16' : ''}${subgroupLanes > 0 ? `, ${subgroupLanes} lanes` : ''}`
}

async function faultOfProduct(gpu: Gpu, trial: Trial, name: MatmulVariant): Promise<string | undefined> {
  const batchClass = name === 'vector' ? 1 : 'many'
  const error = await tryProduct(gpu, trial, batchClass)
  if (isRight(error, roundingOf(name))) return undefined
  return `the worst sum is off by ${error.worst.toExponential(1)} of its size, all by ${error.rms.toExponential(1)}`
}

/** What rounding keys and values may change, by the type of the cache. Logits are of the size of 1. */
const TOLERANCE: Readonly<Record<CacheDtype, number>> = { q8: 6e-2, f16: 2e-2, f32: 1e-3 }

async function faultOfModel(plain: Gpu, dtype: CacheDtype): Promise<string | undefined> {
  const buffers: Buffer[] = []
  const gpu = collecting(plain, buffers)
  try {
    const logits = await tinyLogits(gpu, dtype)
    for (const [i, expected] of TINY_LOGITS.entries()) {
      for (const [k, value] of expected.entries()) {
        // Not `error > tolerance`: a NaN must not pass.
        if (Math.abs(logits[i]![k]! - value) <= TOLERANCE[dtype]) continue
        return `logit ${k} of ${i === 0 ? 'the prompt' : 'a decoded token'} is ${logits[i]![k]}, not ${value}`
      }
    }
    return undefined
  } finally {
    for (const buffer of buffers) buffer.destroy()
  }
}

/** The same device, which writes down the buffers that are made. */
function collecting(gpu: Gpu, buffers: Buffer[]): Gpu {
  const createBuffer: Gpu['createBuffer'] = (...args) => {
    const buffer = gpu.createBuffer(...args)
    buffers.push(buffer)
    return buffer
  }
  return Object.assign(Object.create(gpu) as Gpu, { createBuffer })
}

/** The logits after the prompt but for its last token, and after that. */
async function tinyLogits(gpu: Gpu, dtype: CacheDtype): Promise<Float32Array[]> {
  const count = TINY_PROMPT.length
  const { vocabSize } = TINY_CONFIG
  const layout = CACHE_LAYOUTS[dtype]
  const sizes = { maxRows: 32, maxOutputs: 1, maxSequences: 1, positions: 64, vocabSize, layout }
  const cache = createCache(gpu, TINY_CONFIG, { ...sizes, chunk: 32 })
  const workspace = createWorkspace(gpu, TINY_CONFIG, sizes)
  const weights = await loadWeights(gpu, tinyCheckpoint(), { weights: 'native' })
  const runner = new Runner(new Mistral(gpu, TINY_CONFIG, weights, cache, workspace), sizes.maxRows, sizes.maxOutputs)
  runner.writeTokens(0, 0, TINY_PROMPT)
  const rows = TINY_PROMPT.map((_, position) => ({ sequence: 0, position, output: position >= count - 2 }))
  // Compiled side by side.
  await Promise.all([runner.recordings.prompt(1), runner.recordings.layers(1), runner.recordings.head(1)])
  const logits: Float32Array[] = []
  for (const batch of [rows.slice(0, -1), rows.slice(-1)]) logits.push(...(await (await runner.logits(batch)).result))
  return logits
}

/** What an issue should say. */
function report(gpu: Gpu, checks: readonly Check[]): string {
  const { vendor, architecture, device, description } = gpu.adapterInfo
  return [
    `adapter: ${gpu.name} (${[vendor, architecture, device, description].join(', ')})`,
    `features: ${[...gpu.features].join(', ') || 'none'}`,
    `kernels: ${JSON.stringify(gpu.tuning)}`,
    ...checks.map(
      ({ name, fault }) => `${fault === undefined ? 'right' : 'WRONG'}: ${name}${fault ? `: ${fault}` : ''}`,
    ),
  ].join('\n')
}
