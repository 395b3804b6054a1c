/** An opened GPU device: its buffers, its queue, and what has gone wrong with it. */
import { DeviceError, type LimitName, MemoryError, messageOf } from '../errors.ts'
import { Asked } from './asked.ts'
import { Buffer } from './buffer.ts'
import { GpuCounters } from './counters.ts'
import { BufferUsage } from './flags.ts'
import type { DeviceHealth } from './health.ts'
import { PipelineCache } from './pipelines.ts'
import { QuietWaits, type Waits } from './quiet-waits.ts'
import type { Tuning } from './tuning.ts'

/** Optional features that have kernels of their own. */
export const OPTIONAL_FEATURES = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
] as const

export type OptionalFeature = (typeof OPTIONAL_FEATURES)[number]

/** Limits that a transformer runs into; each is requested at the adapter's own maximum. */
export const USEFUL_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const

export type Limits = Readonly<Record<(typeof USEFUL_LIMITS)[number], number>>

const SOFTWARE_ADAPTERS = /swiftshader|llvmpipe|lavapipe|basic render/i

/** What `openGpu` found out about a device. */
export interface DeviceFacts {
  readonly adapterInfo: GPUAdapterInfo
  /** The optional features that the device was opened with. */
  readonly features: ReadonlySet<string>
  /** Extensions of WGSL that the implementation has on every device. */
  readonly language: ReadonlySet<string>
  readonly limits: Limits
}

/** Allocations that are guarded together. */
interface Guard {
  /** Until the device has told of each buffer. */
  readonly pending: Promise<unknown>[]
  failed: MemoryError | undefined
}

/** The limit that a buffer runs into first. */
function bufferLimit(limits: Limits, bound: boolean): { readonly name: LimitName; readonly bytes: number } {
  const { maxBufferSize, maxStorageBufferBindingSize } = limits
  return bound && maxStorageBufferBindingSize <= maxBufferSize
    ? { name: 'maxStorageBufferBindingSize', bytes: maxStorageBufferBindingSize }
    : { name: 'maxBufferSize', bytes: maxBufferSize }
}

/** An opened device with its facts: features, limits, counters, and the first thing that went wrong with it. */
export class Gpu {
  readonly adapterInfo: GPUAdapterInfo
  readonly features: ReadonlySet<string>
  readonly language: ReadonlySet<string>
  readonly limits: Limits
  /** Whether the adapter computes on the CPU. It is asked at each result, so that it is found out once. */
  readonly software: boolean
  /** What is being guarded at the moment. */
  private readonly guards = new Set<Guard>()

  constructor(
    readonly device: GPUDevice,
    readonly facts: DeviceFacts,
    private readonly health: DeviceHealth,
    /** Which variants of the kernels are used on it. */
    readonly tuning: Tuning,
    readonly waits: Waits = new QuietWaits(false),
    readonly counters = new GpuCounters(),
    readonly asked = new Asked(isSoftware(facts.adapterInfo)),
    readonly pipelines = new PipelineCache(device, counters, asked),
  ) {
    this.adapterInfo = facts.adapterInfo
    this.features = facts.features
    this.language = facts.language
    this.limits = facts.limits
    this.software = asked.onCpu
  }

  /** The same device, with other variants of the kernels. */
  withTuning(tuning: Partial<Tuning>): Gpu {
    const { device, facts, health, waits, counters, asked, pipelines } = this
    return new Gpu(device, facts, health, { ...this.tuning, ...tuning }, waits, counters, asked, pipelines)
  }

  has(feature: OptionalFeature): boolean {
    return this.features.has(feature)
  }

  /** Vendor, architecture and description in one line, as far as the runtime tells. */
  get name(): string {
    return adapterName(this.adapterInfo)
  }

  /** Throws what went wrong with the device, if anything did. */
  check(): void {
    this.health.check()
  }

  /** What a rejected promise of the GPU says, as one of our errors: a lost device rejects everything that was pending. */
  async failureOf(error: unknown): Promise<Error> {
    if (error instanceof DeviceError) return error
    await this.health.settled()
    try {
      this.check()
    } catch (known) {
      return known as Error
    }
    return new DeviceError(error instanceof Error ? error.message : String(error), { cause: error })
  }

  /** A zeroed storage buffer of at least `bytes`. Throws `MemoryError` when it is larger than one binding may be. */
  createBuffer(label: string, bytes: number, usage: number = BufferUsage.STORAGE | BufferUsage.COPY_DST): Buffer {
    this.check()
    const size = bufferBytes(bytes)
    const limit = bufferLimit(this.limits, (usage & BufferUsage.STORAGE) !== 0)
    if (size > limit.bytes) this.refuse(new MemoryError(label, size, limit.bytes, undefined, undefined, limit.name))
    return new Buffer(this.allocate({ label, size, usage }), label, size, this.counters)
  }

  /** What is too large for the device is an error; who only counts goes on. */
  refuse(error: MemoryError): void {
    throw error
  }

  /** While something is guarded each buffer has a scope of its own, so that the first that fails is known and named. */
  protected allocate(descriptor: GPUBufferDescriptor & { readonly label: string }): GPUBuffer {
    const { device, guards } = this
    const refused = () => new MemoryError(descriptor.label, descriptor.size, undefined)
    for (const { failed } of guards) if (failed !== undefined) throw failed
    if (guards.size === 0) return device.createBuffer(descriptor)
    const concerned = [...guards]
    device.pushErrorScope('out-of-memory')
    try {
      return device.createBuffer(descriptor)
    } catch (error) {
      // WebGPU tells it by the scope; some runtimes throw.
      throw /memory/i.test(messageOf(error)) ? refused() : error
    } finally {
      const told = this.popErrorScope().then((error) => {
        if (error) for (const guard of concerned) guard.failed ??= refused()
      })
      // A lost device says so itself.
      for (const { pending } of concerned) pending.push(told.catch(() => {}))
    }
  }

  /** @param given a function is called by a device that keeps what is written; one that only counts never does */
  write(
    buffer: Buffer,
    offset: number,
    given: ArrayBufferView<ArrayBuffer> | (() => ArrayBufferView<ArrayBuffer>),
  ): void {
    const data = typeof given === 'function' ? given() : given
    this.device.queue.writeBuffer(buffer.gpuBuffer, offset, data.buffer, data.byteOffset, data.byteLength)
  }

  submit(commands: GPUCommandBuffer): void {
    this.counters.submits++
    this.device.queue.submit([commands])
  }

  /**
   * Resolves when all submitted work is done; throws when the device failed on the way.
   * @param kind names work that was just submitted and takes the same time again
   * @param patient hearing of it a millisecond later is no loss
   */
  async finish(kind?: string, patient = false): Promise<void> {
    const ask = () => this.asked.for(() => this.device.queue.onSubmittedWorkDone(), { patient })
    await this.waits.resultOf(kind, ask)
    this.check()
  }

  /** What the innermost error scope caught. */
  popErrorScope(): Promise<GPUError | null> {
    return this.asked.for(() => this.device.popErrorScope())
  }

  /**
   * Runs `allocate`, and throws when the GPU had no memory for it or refused an operation: WebGPU tells that late, and
   * later work would compute with invalid buffers. After the first buffer that failed no other one is made.
   */
  async guard<T>(what: string, allocate: () => Promise<T>): Promise<T> {
    this.check()
    const guard: Guard = { pending: [], failed: undefined }
    this.guards.add(guard)
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
      memory = await this.popErrorScope().catch(() => null)
      invalid = await this.popErrorScope().catch(() => null)
      await Promise.all(guard.pending)
      this.guards.delete(guard)
    }
    if (guard.failed) throw guard.failed
    if (memory) throw new MemoryError(what, bytes, undefined)
    if (invalid) throw new DeviceError(`${what}: ${invalid.message}`)
    return result
  }

  /** It was given up on purpose. */
  get isDisposed(): boolean {
    return this.health.isDisposed
  }

  /**
   * Destroys the device with all its buffers and lets the process end. Safe to call twice. Resolves when the device owes no
   * answer: a thread may end then.
   */
  dispose(): Promise<void> {
    if (!this.health.isDisposed) {
      this.health.dispose(this.device)
      this.pipelines.clear()
      this.device.destroy()
      this.counters.freedAll()
    }
    return this.asked.ended()
  }
}

/** Bytes that a buffer for so many takes. */
export function bufferBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16)
}

function adapterName({ vendor, architecture, description }: GPUAdapterInfo): string {
  // Deno gives vendors as their PCI number, which tells nobody anything.
  const parts = [vendor, architecture, description].filter((part) => part && !/^\d+$/.test(part))
  return parts.join(' ') || 'unnamed adapter'
}

/** Browsers say `isFallbackAdapter`, Dawn's Node binding and wgpu only the driver's name. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter === true || SOFTWARE_ADAPTERS.test(adapterName(info))
}
