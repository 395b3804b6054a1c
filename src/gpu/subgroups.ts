/** Finds out by a trial run how the lanes of subgroups are numbered. */
import type { Gpu } from './device.ts'
import { BufferUsage } from './flags.ts'
import { Readback } from './readback.ts'
import { Recorder } from './recorder.ts'
import { part } from './shader.ts'
import { PROBE_SUBGROUPS, probeSubgroups } from './shaders.gen.ts'

/**
 * How many neighbouring threads of a workgroup may exchange values with `subgroupShuffleXor`: the largest power of two,
 * at most 32, for which lane = thread modulo that number held in a trial run on this device, and which no subgroup of
 * the adapter falls below. 0 when there is none: WGSL promises nothing about how lanes are numbered.
 */
export async function probeSubgroupLanes(gpu: Gpu): Promise<number> {
  const bytes = PROBE_SUBGROUPS.THREADS * 8
  const lanes = gpu.createBuffer('subgroup probe', bytes, BufferUsage.STORAGE | BufferUsage.COPY_SRC)
  const readback = new Readback(gpu, 'subgroup probe readback', bytes)
  try {
    const recorder = new Recorder<undefined>(gpu)
    recorder.dispatch('subgroup probe', [part(probeSubgroups, { bindings: { lanes }, constants: {} })], [1])
    const recording = await recorder.build()
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    recording.encode(pass, undefined)
    pass.end()
    readback.copy(encoder, lanes, bytes)
    gpu.submit(encoder.finish())
    return usableLanes(new Uint32Array(await readback.read(bytes)), gpu.adapterInfo.subgroupMinSize)
  } finally {
    lanes.destroy()
    readback.destroy()
  }
}

/** @param report (lane, subgroup size) of each thread in order */
export function usableLanes(report: Uint32Array, subgroupMinSize: number | undefined): number {
  // Without a promise of the adapter the trial says nothing about other pipelines.
  let smallest = Math.min(32, subgroupMinSize ?? 0)
  for (let i = 1; i < report.length; i += 2) smallest = Math.min(smallest, report[i]!)
  let lanes = 1
  while (lanes * 2 <= smallest) lanes *= 2
  for (let thread = 0; thread < report.length / 2; thread++) {
    if (report[2 * thread]! % lanes !== thread % lanes) return 0
  }
  return lanes >= 4 ? lanes : 0
}
