/** Measures how fast the adapter reads memory: the yardstick of the benchmark. */
import type { Buffer } from '../../gpu/buffer.ts'
import type { Gpu } from '../../gpu/device.ts'
import { BufferUsage } from '../../gpu/flags.ts'
import { Recorder } from '../../gpu/recorder.ts'
import { part } from '../../gpu/shader.ts'
import { STREAM_READ, streamRead } from '../../gpu/shaders.gen.ts'
import { type TimingOptions, timeRecording, timingFor } from './measure.ts'
import { fillRandom } from './random-bytes.ts'
import type { Bandwidth } from './report.ts'

/** Beyond the caches of today's GPUs (the largest hold some 256 MiB), and of most CPUs. */
const GPU_BYTES = 512 << 20
const SOFTWARE_BYTES = 128 << 20

/** How many threads read fastest depends on the device: the best of these counts. */
const GPU_THREADS = [1 << 16, 1 << 18, 1 << 20]
const SOFTWARE_THREADS = [1 << 10, 1 << 14, 1 << 18]

/** How fast the adapter streams through a large buffer. Throws `DeviceError`, `AbortError`. */
export async function measureBandwidth(gpu: Gpu, signal?: AbortSignal): Promise<Bandwidth> {
  const limit = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize)
  const wanted = gpu.software ? SOFTWARE_BYTES : GPU_BYTES
  const bytes = Math.floor(Math.min(wanted, limit) / 16) * 16
  const words = gpu.createBuffer('streaming read', bytes)
  try {
    await fillBuffer(gpu, words)
    const candidates = gpu.software ? SOFTWARE_THREADS : GPU_THREADS
    let best: Bandwidth | undefined
    for (const threads of candidates) {
      const ms = await timeReading(gpu, words, threads, { ...timingFor(gpu), signal })
      const gb_per_s = bytes / ms / 1e6
      if (best === undefined || gb_per_s > best.gb_per_s) best = { gb_per_s, buffer_bytes: bytes, threads }
    }
    return best!
  } finally {
    words.destroy()
  }
}

async function timeReading(gpu: Gpu, words: Buffer, threads: number, timing: TimingOptions): Promise<number> {
  const sums = gpu.createBuffer('streaming read sums', threads * 16, BufferUsage.STORAGE)
  try {
    const recorder = new Recorder<undefined>(gpu)
    const constants = { WORDS: words.size / 16, THREADS: threads }
    recorder.dispatch(
      'streaming read',
      [part(streamRead, { bindings: { words, sums }, constants })],
      [threads / STREAM_READ.WORKGROUP],
    )
    return await timeRecording(gpu, await recorder.build(), undefined, timing)
  } finally {
    sums.destroy()
  }
}

/**
 * Random bits everywhere: memory that was never written may be one page of zeros that lies in a cache, and GPUs compress
 * what is uniform.
 */
async function fillBuffer(gpu: Gpu, buffer: Buffer): Promise<void> {
  const piece = new Uint32Array(Math.min(buffer.size, 4 << 20) / 4)
  fillRandom(piece)
  for (let offset = 0; offset < buffer.size; offset += piece.byteLength) {
    gpu.write(buffer, offset, piece.subarray(0, Math.min(piece.length, (buffer.size - offset) / 4)))
    // Implementations keep a copy until the GPU has it.
    if (offset % (64 << 20) === 0) await gpu.finish()
  }
  await gpu.finish()
}
