/** Devices with lower limits, or less memory, than this machine's: what they refuse is refused as WebGPU says. */
import { vi } from 'vitest'
import { platform } from '#platform'

export interface SmallGpu {
  /** Limits in place of the adapter's own. */
  readonly limits?: Readonly<Partial<Record<'maxBufferSize' | 'maxStorageBufferBindingSize', number>>>
  /** Bytes that all buffers together may have; a buffer beyond is an invalid one, and its error scope has the error. */
  readonly memory?: number
  /** `createBuffer` throws instead, as some runtimes do. */
  readonly throws?: boolean
}

/** What was asked of the devices. */
export interface Asked {
  /** Sizes of the buffers that were made, by their labels. */
  readonly buffers: Map<string, number>
  /** Devices that were opened and not destroyed. */
  open: number
}

/** Opens such devices from now on; `vi.unstubAllGlobals()` ends it. */
export async function stubSmallGpu(small: SmallGpu): Promise<Asked> {
  const real = await platform.openGpu()
  const asked: Asked = { buffers: new Map(), open: 0 }
  const requestAdapter = async (options: GPURequestAdapterOptions) => {
    const adapter = (await real.requestAdapter(options))!
    const limits = withLimits(adapter.limits, small)
    const requestDevice = async (request: GPUDeviceDescriptor) => {
      const device = await adapter.requestDevice(request)
      Object.defineProperty(device, 'limits', { value: withLimits(device.limits, small) })
      shrink(device, small, asked)
      return device
    }
    return { features: adapter.features, limits, info: adapter.info, requestDevice }
  }
  vi.stubGlobal('navigator', { gpu: { requestAdapter } })
  return asked
}

function withLimits(limits: GPUSupportedLimits, small: SmallGpu): GPUSupportedLimits {
  const all: Record<string, unknown> = {}
  for (const name in limits) all[name] = limits[name as keyof GPUSupportedLimits]
  return Object.assign(all, small.limits) as unknown as GPUSupportedLimits
}

/** Counts its buffers, and refuses those that are too many. */
function shrink(device: GPUDevice, { memory = Infinity, throws = false }: SmallGpu, asked: Asked): void {
  const create = device.createBuffer.bind(device)
  const push = device.pushErrorScope.bind(device)
  const pop = device.popErrorScope.bind(device)
  const destroy = device.destroy.bind(device)
  const scopes: { filter: GPUErrorFilter; error?: GPUError }[] = []
  let taken = 0
  asked.open++
  Object.assign(device, {
    createBuffer(descriptor: GPUBufferDescriptor) {
      const { label = '', size } = descriptor
      if (taken + size <= memory) {
        const buffer = create(descriptor)
        taken += size
        asked.buffers.set(label, size)
        const free = buffer.destroy.bind(buffer)
        return Object.assign(buffer, {
          destroy() {
            taken -= size
            free()
          },
        })
      }
      if (throws) throw new RangeError('out of memory')
      const scope = scopes.findLast(({ filter }) => filter === 'out-of-memory')
      if (scope !== undefined) scope.error ??= { message: `no ${size} bytes` }
      // As an invalid buffer does, it makes what uses it invalid: its size is that of no binding.
      return create({ ...descriptor, size: 4 })
    },
    pushErrorScope(filter: GPUErrorFilter) {
      scopes.push({ filter })
      push(filter)
    },
    async popErrorScope() {
      const own = scopes.pop()?.error
      const real = pop()
      return own ?? (await real)
    },
    destroy() {
      asked.open--
      destroy()
    },
  })
}
