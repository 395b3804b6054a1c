import { platform } from '#platform'
import { DeviceError, DeviceLostError, MemoryError } from '../errors.ts'
import type { GpuEntry } from '../platform/types.ts'
import { BufferUsage } from './flags.ts'
import { PipelineCache } from './pipelines.ts'
import { probeSubgroupLanes } from './subgroups.ts'

/** Optional features that have kernels of their own. */
export type OptionalFeature = 'shader-f16' | 'subgroups' | 'timestamp-query'

const OPTIONAL_FEATURES: readonly OptionalFeature[] = ['shader-f16', 'subgroups', 'timestamp-query']

/** Limits that a transformer runs into; each is requested at the adapter's own maximum. */
const USEFUL_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const

const SOFTWARE_ADAPTERS = /swiftshader|llvmpipe|lavapipe|basic render/i

export type Limits = Readonly<Record<(typeof USEFUL_LIMITS)[number], number>>

export interface GpuOptions {
  /** Features to do without even where the device has them. */
  disableFeatures?: readonly string[] | undefined
  /** `'null'` executes nothing and measures JavaScript's own cost (Node only). */
  backend?: 'null' | undefined
  powerPreference?: GPUPowerPreference | undefined
}

/** What has been asked of the device since it was opened: the numbers that benchmarks and leak tests read. */
export interface GpuCounters {
  buffersCreated: number
  buffersAlive: number
  bytesAlive: number
  pipelinesCreated: number
  bindGroupsCreated: number
  dispatches: number
  passes: number
  submits: number
  readbacks: number
}

/** An opened device with its facts: features, limits, counters, and the first thing that went wrong with it. */
export class Gpu {
  readonly pipelines: PipelineCache
  readonly counters: GpuCounters = {
    buffersCreated: 0,
    buffersAlive: 0,
    bytesAlive: 0,
    pipelinesCreated: 0,
    bindGroupsCreated: 0,
    dispatches: 0,
    passes: 0,
    submits: 0,
    readbacks: 0,
  }
  /**
   * Lanes that exchange values in order inside a subgroup (a power of two), 0 when subgroups are absent or do not
   * number their lanes like the workgroup.
   */
  subgroupLanes = 0
  private failure: Error | undefined
  private disposed = false

  private constructor(
    readonly device: GPUDevice,
    readonly adapterInfo: GPUAdapterInfo,
    readonly features: ReadonlySet<string>,
    readonly limits: Limits,
    private readonly entry: GpuEntry,
  ) {
    this.pipelines = new PipelineCache(this)
    // Errors of validation and memory that no scope caught: the next call into the library reports the first.
    device.onuncapturederror = (event) => {
      this.failure ??= new DeviceError(`the GPU refused an operation: ${event.error.message}`)
    }
    // Old Deno versions have no `lost`.
    device.lost?.then((info) => {
      if (!this.disposed) this.failure = new DeviceLostError(info.reason ?? 'unknown', info.message)
    })
  }

  /** Opens the best adapter with every useful feature and limit it has. Throws `DeviceError` when there is none. */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const entry = await platform.openGpu({ backend: options.backend })
    let device: GPUDevice | undefined
    try {
      const adapter = await entry.gpu.requestAdapter({
        powerPreference: options.powerPreference ?? 'high-performance',
      })
      if (!adapter)
        throw new DeviceError('WebGPU is here, but it found no adapter: no GPU or no driver that it accepts')
      const wanted = OPTIONAL_FEATURES.filter(
        (name) => adapter.features.has(name) && !options.disableFeatures?.includes(name),
      )
      device = await adapter.requestDevice({
        label: 'mistral-webgpu',
        requiredFeatures: wanted as GPUFeatureName[],
        requiredLimits: adapterLimits(adapter),
      })
      const gpu = new Gpu(device, adapter.info, new Set<string>(wanted), deviceLimits(device), entry)
      if (gpu.has('subgroups') && options.backend !== 'null') gpu.subgroupLanes = await lanesOrNone(gpu)
      return gpu
    } catch (error) {
      device?.destroy()
      entry.release()
      throw error instanceof DeviceError
        ? error
        : new DeviceError(`no GPU device: ${messageOf(error)}`, { cause: error })
    }
  }

  has(feature: OptionalFeature): boolean {
    return this.features.has(feature)
  }

  /** Vendor, architecture and description in one line, as far as the runtime tells. */
  get name(): string {
    const { vendor, architecture, description } = this.adapterInfo
    // Deno gives vendors as their PCI number, which tells nobody anything.
    const parts = [vendor, architecture, description].filter((part) => part && !/^\d+$/.test(part))
    return parts.join(' ') || 'unnamed adapter'
  }

  /** The adapter computes on the CPU. Its shader compiler is slow on unrolled loops, which gain it nothing. */
  get software(): boolean {
    return this.adapterInfo.isFallbackAdapter === true || SOFTWARE_ADAPTERS.test(this.name)
  }

  /** Throws what went wrong with the device, if anything did. */
  check(): void {
    if (this.disposed) throw new DeviceError('the model was disposed')
    if (this.failure) throw this.failure
  }

  /** A zeroed storage buffer of at least `bytes`. Throws `MemoryError` when it is larger than one binding may be. */
  createBuffer(label: string, bytes: number, usage: number = BufferUsage.STORAGE | BufferUsage.COPY_DST): Buffer {
    this.check()
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    const { maxBufferSize, maxStorageBufferBindingSize } = this.limits
    const bound = (usage & BufferUsage.STORAGE) !== 0
    const limit = bound ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize
    if (size > limit) throw new MemoryError(label, size, limit)
    const buffer = this.device.createBuffer({ label, size, usage })
    this.counters.buffersCreated++
    this.counters.buffersAlive++
    this.counters.bytesAlive += size
    return new Buffer(this, buffer, label, size)
  }

  write(buffer: Buffer, offset: number, data: ArrayBufferView<ArrayBuffer>): void {
    this.device.queue.writeBuffer(buffer.gpuBuffer, offset, data.buffer, data.byteOffset, data.byteLength)
  }

  submit(commands: GPUCommandBuffer): void {
    this.counters.submits++
    this.device.queue.submit([commands])
  }

  /** Resolves when all submitted work is done; throws when the device failed on the way. */
  async finish(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone()
    this.check()
  }

  /**
   * Runs `allocate`, and throws when the GPU had no memory for it or refused an operation: WebGPU tells that late, and
   * later work would compute with invalid buffers.
   */
  async guard<T>(what: string, allocate: () => Promise<T>): Promise<T> {
    this.check()
    this.device.pushErrorScope('validation')
    this.device.pushErrorScope('out-of-memory')
    let result: T
    let bytes = 0
    let memory: GPUError | null = null
    let invalid: GPUError | null = null
    try {
      result = await allocate()
    } finally {
      bytes = this.counters.bytesAlive
      memory = await this.device.popErrorScope().catch(() => null)
      invalid = await this.device.popErrorScope().catch(() => null)
    }
    if (memory) throw new MemoryError(what, bytes, undefined)
    if (invalid) throw new DeviceError(`${what}: ${invalid.message}`)
    return result
  }

  /** Counts a destroyed buffer; after `dispose()` all are counted already. */
  forget(bytes: number): void {
    if (this.disposed) return
    this.counters.buffersAlive--
    this.counters.bytesAlive -= bytes
  }

  /** Destroys the device with all its buffers and lets the process end. Safe to call twice. */
  dispose(): void {
    if (this.disposed) return
    this.disposed = true
    this.device.destroy()
    this.entry.release()
    this.counters.buffersAlive = 0
    this.counters.bytesAlive = 0
  }
}

/** The variants with subgroups are optional: where even the trial run fails, the baseline does. */
async function lanesOrNone(gpu: Gpu): Promise<number> {
  try {
    return await probeSubgroupLanes(gpu)
  } catch (error) {
    if (error instanceof DeviceLostError) throw error
    return 0
  }
}

/** A GPU buffer that is counted while it lives. */
export class Buffer {
  private destroyed = false

  constructor(
    private readonly gpu: Gpu,
    readonly gpuBuffer: GPUBuffer,
    readonly label: string,
    readonly size: number,
  ) {}

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.gpuBuffer.destroy()
    this.gpu.forget(this.size)
  }
}

function adapterLimits(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {}
  for (const name of USEFUL_LIMITS) {
    // Deno has been seen to give some limits as BigInt.
    const value = adapter.limits[name]
    if (value !== undefined) limits[name] = Number(value)
  }
  return limits
}

function deviceLimits(device: GPUDevice): Limits {
  return Object.fromEntries(USEFUL_LIMITS.map((name) => [name, Number(device.limits[name])])) as Limits
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
