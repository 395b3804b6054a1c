/**
 * What a token costs JavaScript on Dawn's null backend, which executes nothing: the engine with each of its ways to spare calls,
 * and bare loops of such calls with bind groups of several sizes. All take turns; the table has medians and the fastest tenth.
 */
import { measureNullBackend } from '../src/cli/bench/js-cost.ts'
import { median, quantile } from '../src/cli/bench/measure.ts'
import { openGpu } from '../src/gpu/open.ts'

const ROUNDS = 4
const TURNS = 600
const WARM_UP = 200
/** As many as the engine gives for 32 layers. */
const DISPATCHES = 196

function everyClass(on: boolean) {
  return { 1: on, 4: on, 8: on, decode: on, many: on }
}

const WAYS = [true, false].flatMap((folded) =>
  [true, false].map((shared) => ({
    name: `norms ${folded ? 'in products' : 'apart'}, bind groups ${shared ? 'shared' : 'apart'}`,
    tuning: { foldedNorms: everyClass(folded), sharedBindGroups: shared },
    ms: [] as number[],
    p10: [] as number[],
    dispatches: 0,
  })),
)

for (let round = 0; round < ROUNDS; round++) {
  for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
    const cost = await measureNullBackend({ tuning: way.tuning })
    way.ms.push(cost.ms_per_token)
    way.p10.push(cost.p10_ms_per_token)
    way.dispatches = cost.dispatches
  }
}
console.table(
  WAYS.map(({ name, ms, p10, dispatches }) => ({
    name,
    dispatches,
    'µs a token': Math.round(median(ms) * 1000),
    'fastest tenth': Math.round(median(p10) * 1000),
  })),
)

interface Loop {
  /** Buffers of a bind group. */
  readonly buffers: number
  /** Dispatches for each bind group that is set. */
  readonly each: number
  /** Arguments of a dispatch. */
  readonly given: 1 | 3
}

const LOOPS: readonly Loop[] = [
  ...[4, 6, 8].map((buffers) => ({ buffers, each: 1, given: 3 }) as const),
  { buffers: 6, each: 1, given: 1 },
  ...[2, 6, DISPATCHES].map((each) => ({ buffers: 8, each, given: 3 }) as const),
]

const gpu = await openGpu({ backend: 'null' })
const loops = await Promise.all(LOOPS.map(async (loop) => ({ loop, run: await bareLoop(loop), ms: [] as number[] })))
for (let turn = 0; turn < TURNS; turn++) {
  for (const { run, ms } of loops) {
    const start = performance.now()
    run()
    if (turn >= WARM_UP) ms.push(performance.now() - start)
  }
  if (turn % 50 === 0) await gpu.finish()
}
console.table(
  loops.map(({ loop: { buffers, each, given }, ms }) => ({
    'buffers of a group': buffers,
    'dispatches for each setBindGroup': each,
    'arguments of a dispatch': given,
    [`µs for ${DISPATCHES} dispatches`]: Math.round(median(ms) * 1000),
    'fastest tenth': Math.round(quantile(ms, 0.1) * 1000),
  })),
)
gpu.dispose()

/** Encodes and submits dispatches of six pipelines. */
async function bareLoop({ buffers, each, given }: Loop): Promise<() => void> {
  const { device } = gpu
  const bindings = Array.from({ length: buffers }, (_, binding) => binding)
  const layout = device.createBindGroupLayout({
    entries: bindings.map((binding) => ({ binding, visibility: 4, buffer: { type: 'storage' } })),
  })
  const declarations = bindings.map((i) => `@group(0) @binding(${i}) var<storage, read_write> b${i}: array<u32>;\n`)
  const pipelines = await Promise.all(
    Array.from({ length: 6 }, (_, n) => {
      const stores = bindings.map((i) => `b${i}[0] = ${n}u;`)
      const code = `${declarations.join('')}@compute @workgroup_size(1) fn main() { ${stores.join(' ')} }`
      return device.createComputePipelineAsync({
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
      })
    }),
  )
  const groups = Array.from({ length: Math.ceil(DISPATCHES / each) }, () =>
    device.createBindGroup({
      layout,
      entries: bindings.map((binding) => ({
        binding,
        resource: { buffer: gpu.createBuffer('bare', 64).gpuBuffer },
      })),
    }),
  )
  return () => {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (let i = 0; i < DISPATCHES; i++) {
      pass.setPipeline(pipelines[i % 6]!)
      if (i % each === 0) pass.setBindGroup(0, groups[i / each]!)
      if (given === 1) pass.dispatchWorkgroups(7)
      else pass.dispatchWorkgroups(7, 1, 1)
    }
    pass.end()
    gpu.submit(encoder.finish())
  }
}
