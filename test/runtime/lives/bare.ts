/** The yardstick for leaks: the same devices, buffers, pipelines and bind groups as a model's, made with WebGPU alone. */
import { platform } from '#platform'

/** What was created on a device, in order; arguments name earlier results as `{ result: number }`. */
interface Step {
  readonly method: string
  readonly descriptor: unknown
}

export interface Recipe {
  readonly device: GPUDeviceDescriptor | undefined
  readonly steps: readonly Step[]
  /** Which bind group each pipeline ran with, in order. */
  readonly dispatches: readonly { readonly pipeline: number; readonly bindGroup: number; readonly size: number[] }[]
}

const METHODS = [
  'createBuffer',
  'createShaderModule',
  'createBindGroupLayout',
  'createPipelineLayout',
  'createComputePipelineAsync',
  'createBindGroup',
]

/** Runs `live` and notes everything that it creates on its device, and what it dispatches. */
export async function record(live: () => Promise<void>): Promise<Recipe> {
  const adapter = await (await platform.openGpu()).requestAdapter()
  const probe = await adapter!.requestDevice()
  const [adapters, devices] = [Object.getPrototypeOf(adapter), Object.getPrototypeOf(probe)]
  const passes = Object.getPrototypeOf(probe.createCommandEncoder().beginComputePass())
  probe.destroy()
  const results = new Map<unknown, number>()
  const dispatches = recordDispatches(passes, results)
  const steps: Step[] = []
  let device: GPUDeviceDescriptor | undefined
  const { requestDevice } = adapters
  adapters.requestDevice = function (descriptor: GPUDeviceDescriptor) {
    device = descriptor
    return requestDevice.call(this, descriptor)
  }
  const originals = METHODS.map((method) => [method, devices[method]] as const)
  for (const [method, original] of originals) {
    devices[method] = function (descriptor: unknown) {
      const made = original.call(this, descriptor)
      const result = steps.push({ method, descriptor: named(descriptor, results) }) - 1
      if (made instanceof Promise) made.then((value) => results.set(value, result))
      else results.set(made, result)
      return made
    }
  }
  try {
    await live()
  } finally {
    adapters.requestDevice = requestDevice
    dispatches.stop()
    for (const [method, original] of originals) devices[method] = original
  }
  return { device, steps, dispatches: dispatches.list }
}

function recordDispatches(passes: GPUComputePassEncoder, results: ReadonlyMap<unknown, number>) {
  const { setPipeline, setBindGroup, dispatchWorkgroups } = passes
  const list: { pipeline: number; bindGroup: number; size: number[] }[] = []
  let pipeline = -1
  let bindGroup = -1
  passes.setPipeline = function (this: GPUComputePassEncoder, given) {
    pipeline = results.get(given)!
    return setPipeline.call(this, given)
  }
  passes.setBindGroup = function (this: GPUComputePassEncoder, index: number, given: GPUBindGroup) {
    bindGroup = results.get(given)!
    return (setBindGroup as (index: number, given: GPUBindGroup) => undefined).call(this, index, given)
  } as typeof setBindGroup
  passes.dispatchWorkgroups = function (this: GPUComputePassEncoder, ...size) {
    list.push({ pipeline, bindGroup, size: size.map(Number) })
    return dispatchWorkgroups.apply(this, size)
  }
  return { list, stop: () => Object.assign(passes, { setPipeline, setBindGroup, dispatchWorkgroups }) }
}

/** Makes a device as the recipe says, and destroys it. With `run`, everything is dispatched once in between. */
export async function replay({ device: descriptor, steps, dispatches }: Recipe, run: boolean): Promise<void> {
  const adapter = await (await platform.openGpu()).requestAdapter({ powerPreference: 'high-performance' })
  const device = await adapter!.requestDevice(descriptor)
  const made: Promise<unknown>[] = []
  for (const { method, descriptor } of steps) {
    const own = await unnamed(descriptor, made)
    made.push(Promise.resolve((device as unknown as Record<string, (d: unknown) => unknown>)[method]!(own)))
  }
  const objects = await Promise.all(made)
  if (run) {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (const { pipeline, bindGroup, size } of dispatches) {
      pass.setPipeline(objects[pipeline] as GPUComputePipeline)
      pass.setBindGroup(0, objects[bindGroup] as GPUBindGroup)
      pass.dispatchWorkgroups(size[0]!, size[1], size[2])
    }
    pass.end()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
  }
  device.destroy()
}

function named(value: unknown, results: ReadonlyMap<unknown, number>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const result = results.get(value)
  if (result !== undefined) return { result }
  if (Array.isArray(value)) return value.map((item) => named(item, results))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, named(item, results)]))
}

async function unnamed(value: unknown, made: readonly Promise<unknown>[]): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  if ('result' in value) return made[value.result as number]
  if (Array.isArray(value)) return Promise.all(value.map((item) => unnamed(item, made)))
  const entries = Object.entries(value).map(async ([name, item]) => [name, await unnamed(item, made)] as const)
  return Object.fromEntries(await Promise.all(entries))
}
