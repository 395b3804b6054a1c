/** Measures JavaScript's own share of a token on Dawn's null backend. */
import { throwIfAborted } from '../../async/abort.ts'
import { DeviceError, ParameterError } from '../../errors.ts'
import type { Gpu } from '../../gpu/device.ts'
import { openGpu } from '../../gpu/open.ts'
import type { Tuning } from '../../gpu/tuning.ts'
import { CACHE_LAYOUTS } from '../../kernels/cache-layouts.ts'
import { GREEDY } from '../../model/batch.ts'
import { createCache } from '../../model/kv-cache.ts'
import { Mistral } from '../../model/mistral.ts'
import { Runner } from '../../model/runner.ts'
import { loadWeights } from '../../model/weights.ts'
import { createWorkspace } from '../../model/workspace.ts'
import { errorText } from '../error-text.ts'
import { median, quantile } from './measure.ts'
import { randomCheckpoint } from './random-checkpoint.ts'
import type { JsCost, JsCosts, NullCost } from './report.ts'

/** As many as Mistral 7B has: JavaScript's cost depends on the number of dispatches and on nothing else of the shape. */
const LAYERS = 32
const POSITIONS = 512
/** Until the JIT has settled. */
const WARM_UP = 200

export interface NullOptions {
  readonly layers?: number
  readonly tokens?: number
  readonly disabled?: readonly string[]
  /** Other variants of the kernels than a GPU's. */
  readonly tuning?: Partial<Tuning> | undefined
  readonly signal?: AbortSignal | undefined
}

/** The cost on the null backend, or why there is none in this runtime. */
export async function nullBackendCost(
  adapter: JsCost,
  options: Pick<NullOptions, 'disabled' | 'signal'>,
): Promise<JsCosts> {
  try {
    return { adapter, null_backend: await measureNullBackend(options) }
  } catch (error) {
    // Only Dawn in Node has it.
    if (!(error instanceof ParameterError || error instanceof DeviceError)) throw error
    return { adapter, null_backend: null, null_backend_missing: errorText(error) }
  }
}

/** Decodes on Dawn's null backend, which takes commands and executes nothing. Throws where there is none. */
export async function measureNullBackend(options: NullOptions = {}): Promise<NullCost> {
  const { layers = LAYERS, tokens = POSITIONS - WARM_UP, disabled, tuning, signal } = options
  const gpu = await openGpu({ backend: 'null', disableFeatures: disabled, tuning })
  try {
    const runner = await tinyRunner(gpu, layers)
    const jsMs: number[] = []
    const stepMs: number[] = []
    let dispatches = 0
    for (let n = 0; n < WARM_UP + tokens; n++) {
      throwIfAborted(signal)
      const before = gpu.counters.dispatches
      const start = performance.now()
      const rows = [{ sequence: 0, position: n % (POSITIONS - 1), output: true }]
      const { result } = await runner.sample({ rows, steps: 1, needs: [GREEDY] })
      const submitted = performance.now()
      await result
      const end = performance.now()
      dispatches = gpu.counters.dispatches - before
      if (n < WARM_UP) continue
      stepMs.push(end - start)
      jsMs.push(submitted - start)
    }
    const ms_per_token = median(jsMs)
    const us_per_dispatch = (ms_per_token * 1000) / dispatches
    const p10_ms_per_token = quantile(jsMs, 0.1)
    return { layers, dispatches, ms_per_token, p10_ms_per_token, us_per_dispatch, step_ms: median(stepMs) }
  } finally {
    gpu.dispose()
  }
}

/** The engine's own parts on a device that the engine itself would not open. */
async function tinyRunner(gpu: Gpu, layers: number): Promise<Runner> {
  const checkpoint = randomCheckpoint('tiny', layers, 'q4')
  const { config } = checkpoint
  const layout = gpu.has('shader-f16') ? CACHE_LAYOUTS.f16 : CACHE_LAYOUTS.f32
  const sizes = { maxRows: 32, maxOutputs: 1, maxSequences: 1, positions: POSITIONS, vocabSize: config.vocabSize }
  const cache = createCache(gpu, config, { ...sizes, layout, chunk: 32 })
  const workspace = createWorkspace(gpu, config, { ...sizes, layout })
  const weights = await loadWeights(gpu, checkpoint, { weights: 'native' })
  const runner = new Runner(new Mistral(gpu, config, weights, cache, workspace), sizes.maxRows, sizes.maxOutputs)
  await runner.warmUp()
  gpu.check()
  return runner
}
