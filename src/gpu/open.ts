/** Opens the machine's GPU: the adapter, the device with all features and limits that help, and the trial of subgroups. */
import { platform } from '#platform'
import { DeviceError, DeviceLostError, messageOf } from '../errors.ts'
import { type DeviceFacts, Gpu, isSoftware, type Limits, OPTIONAL_FEATURES, USEFUL_LIMITS } from './device.ts'
import { DeviceHealth } from './health.ts'
import { QuietWaits, type Waits } from './quiet-waits.ts'
import { probeSubgroupLanes } from './subgroups.ts'
import { type Tuning, tuningFor } from './tuning.ts'

export interface GpuOptions {
  /** Features to do without even where the device has them. */
  disableFeatures?: readonly string[] | undefined
  /** `'null'` executes nothing and measures JavaScript's own cost (Node only). */
  backend?: 'null' | undefined
  /** Variants of the kernels to use instead of those that suit the adapter. */
  tuning?: Partial<Tuning> | undefined
}

/** Opens the best adapter with every useful feature and limit it has. Throws `DeviceError` when there is none. */
export async function openGpu({ disableFeatures = [], backend, tuning }: GpuOptions = {}): Promise<Gpu> {
  const entry = await platform.openGpu({ backend })
  let plain: Gpu | undefined
  try {
    const { device, facts } = await openDevice(entry, disableFeatures)
    const { features, adapterInfo } = facts
    const known = { features, software: isSoftware(adapterInfo), subgroupLanes: 0 }
    const waits = await waitsFor(device)
    plain = new Gpu(device, facts, new DeviceHealth(device), tuningFor(known), waits)
    const probed = features.has('subgroups') && backend !== 'null'
    const subgroupLanes = probed ? await lanesOrNone(plain) : 0
    return plain.withTuning({ ...tuningFor({ ...known, subgroupLanes }), ...tuning })
  } catch (error) {
    plain?.dispose()
    throw error instanceof DeviceError ? error : new DeviceError(`no GPU device: ${messageOf(error)}`, { cause: error })
  }
}

async function waitsFor(device: GPUDevice): Promise<Waits> {
  if (platform.mayTellLate) {
    const { LateResults, resultsAreLate } = await import('./late-results.ts')
    if (await resultsAreLate(device.queue)) return new LateResults(device)
  }
  return new QuietWaits(platform.looksForResults)
}

async function openDevice(gpu: GPU, disabled: readonly string[]): Promise<{ device: GPUDevice; facts: DeviceFacts }> {
  const adapter = await requestAdapter(gpu)
  // Asking for the size of subgroups would bring these along.
  const off = disabled.includes('subgroups') ? [...disabled, 'subgroup-size-control'] : disabled
  const features = OPTIONAL_FEATURES.filter((name) => adapter.features.has(name) && !off.includes(name))
  const adapterInfo = adapter.info
  let refusal: unknown
  for (const requiredLimits of [usefulLimits(adapter), reportedLimits(adapter), undefined]) {
    // An adapter gives one device; some runtimes count a refused request, too.
    const fresh = refusal === undefined ? adapter : await requestAdapter(gpu)
    try {
      const device = await fresh.requestDevice({
        label: 'mistral-webgpu',
        requiredFeatures: features as GPUFeatureName[],
        ...(requiredLimits && { requiredLimits }),
      })
      const language = new Set([...(gpu.wgslLanguageFeatures ?? [])].filter((name) => !disabled.includes(name)))
      return {
        device,
        facts: { adapterInfo, features: new Set<string>(features), language, limits: deviceLimits(device) },
      }
    } catch (error) {
      refusal ??= error
    }
  }
  throw new DeviceError(
    `the adapter refuses a device with the limits that it reports itself, and one with default limits: ${messageOf(refusal)}`,
    { cause: refusal },
  )
}

async function requestAdapter(gpu: GPU): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter) return adapter
  throw new DeviceError('WebGPU is here, but it found no adapter: no GPU or no driver that it accepts')
}

/** The variants with subgroups are optional: where even the trial run fails, the baseline does. */
async function lanesOrNone(gpu: Gpu): Promise<number> {
  try {
    return await gpu.guard('the trial of subgroups', () => probeSubgroupLanes(gpu))
  } catch (error) {
    if (error instanceof DeviceLostError) throw error
    return 0
  }
}

function usefulLimits(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {}
  for (const name of USEFUL_LIMITS) {
    // Deno has been seen to give some limits as BigInt.
    const value = adapter.limits[name]
    if (value !== undefined) limits[name] = Number(value)
  }
  return limits
}

/**
 * Every limit at the value that the adapter reports. bun-webgpu 0.1.7 refuses a request that leaves one out: it fills in
 * WebGPU's default, and then finds that larger than some limits that it reports as 0.
 */
function reportedLimits(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {}
  for (const name in adapter.limits) {
    const value = Number(adapter.limits[name as keyof GPUSupportedLimits])
    if (/^m(ax|in)[A-Z]/.test(name) && Number.isFinite(value)) limits[name] = value
  }
  return limits
}

function deviceLimits(device: GPUDevice): Limits {
  return Object.fromEntries(USEFUL_LIMITS.map((name) => [name, Number(device.limits[name])])) as Limits
}
