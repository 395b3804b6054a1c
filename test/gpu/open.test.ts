/** Opening a device: adapters that refuse their own limits, and the choice of kernels. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { platform } from '#platform'
import { DeviceError } from '../../src/errors.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { HARDWARE, SHARING, SOFTWARE, tuningFor } from '../../src/gpu/tuning.ts'
import { disabledFeatures } from '../support/features.ts'

type Request = GPUDeviceDescriptor & { requiredLimits?: Record<string, number> }

let real: GPU
beforeEach(async () => {
  real = await platform.openGpu()
})
afterEach(() => vi.unstubAllGlobals())

/** This machine's WebGPU, whose adapters refuse what `refuses` says; like some, each serves one request and no more. */
function stubGpu(refuses: (request: Request) => boolean): Request[] {
  const asked: Request[] = []
  const requestAdapter = async (options: GPURequestAdapterOptions) => {
    const adapter = (await real.requestAdapter(options))!
    let used = false
    const requestDevice = async (request: Request) => {
      if (used) throw new Error('the adapter is used up')
      used = true
      asked.push(request)
      if (refuses(request)) throw new Error('Value must be between 0 and 0, got 8')
      return adapter.requestDevice(request)
    }
    return { features: adapter.features, limits: adapter.limits, info: adapter.info, requestDevice }
  }
  vi.stubGlobal('navigator', { gpu: { requestAdapter } })
  return asked
}

const NOT_USEFUL = 'maxColorAttachments'

describe('an adapter that refuses limits which it reports itself', () => {
  test('is asked for every limit that it reports: some runtimes check those that a request leaves out', async () => {
    const asked = stubGpu(({ requiredLimits }) => requiredLimits?.[NOT_USEFUL] === undefined)
    const gpu = await openGpu({ disableFeatures: disabledFeatures() })
    const adapter = (await real.requestAdapter())!
    expect(gpu.limits.maxStorageBufferBindingSize).toBe(adapter.limits.maxStorageBufferBindingSize)
    expect(asked).toHaveLength(2)
    expect(asked[1]!.requiredLimits![NOT_USEFUL]).toBe(adapter.limits.maxColorAttachments)
    await gpu.finish()
    gpu.dispose()
  })

  test('is asked for none at last, and the device says what it has', async () => {
    const asked = stubGpu(({ requiredLimits }) => requiredLimits !== undefined)
    const gpu = await openGpu({ disableFeatures: disabledFeatures() })
    expect(asked).toHaveLength(3)
    expect(gpu.limits.maxBufferSize).toBe(gpu.device.limits.maxBufferSize)
    expect(gpu.limits.maxStorageBuffersPerShaderStage).toBe(8)
    await gpu.finish()
    gpu.dispose()
  })

  test('is no adapter where it refuses everything', async () => {
    stubGpu(() => true)
    const failed = await openGpu().catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(DeviceError)
    expect((failed as Error).message).toMatch(/limits that it reports itself.*default limits.*between 0 and 0, got 8/)
    expect((failed as Error).cause).toBeInstanceOf(Error)
  })
})

describe('the choice of kernels', () => {
  const facts = { software: false, features: new Set(['shader-f16']), subgroupLanes: 8 }

  test('depends on what the adapter is and has', () => {
    expect(tuningFor(facts)).toEqual({ nativeF16: true, subgroupLanes: 8, ...HARDWARE })
    expect(tuningFor({ software: true, features: new Set(), subgroupLanes: 0 })).toEqual({
      nativeF16: false,
      subgroupLanes: 0,
      ...SOFTWARE,
    })
    const sharing = { software: true, features: new Set<string>() }
    expect(tuningFor({ ...sharing, subgroupLanes: 8 })).toEqual({ nativeF16: false, subgroupLanes: 8, ...SHARING })
  })

  test('is made when the device is opened, and can be given', async () => {
    const gpu = await openGpu({ disableFeatures: disabledFeatures() })
    const given = await openGpu({ disableFeatures: disabledFeatures(), tuning: { ...HARDWARE, subgroupLanes: 0 } })
    try {
      const { subgroupLanes } = gpu.tuning
      expect(gpu.tuning).toEqual(tuningFor({ software: gpu.software, features: gpu.features, subgroupLanes }))
      expect(given.tuning).toEqual({ nativeF16: gpu.has('shader-f16'), subgroupLanes: 0, ...HARDWARE })
    } finally {
      gpu.dispose()
      given.dispose()
    }
  })

  test('of another view of a device leaves the first one as it is, and both have one end', async () => {
    const gpu = await openGpu({ disableFeatures: disabledFeatures() })
    const view = gpu.withTuning({ attention: 'rows' })
    expect(view.tuning).toEqual({ ...gpu.tuning, attention: 'rows' })
    expect([view.device, view.counters, view.pipelines]).toEqual([gpu.device, gpu.counters, gpu.pipelines])
    view.dispose()
    expect(() => gpu.check()).toThrow('the model was disposed')
  })
})
