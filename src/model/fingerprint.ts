/** Tells models apart by what lies on the GPU. */
import { sumOfWords } from '../formats/word-sum.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { BufferUsage } from '../gpu/flags.ts'
import { Readback } from '../gpu/readback.ts'
import { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { DIGEST } from '../gpu/shaders.gen.ts'
import { digest as shader } from '../gpu/shaders-digest.gen.ts'
import type { LoadedModel } from './loaded-model.ts'

const known = new WeakMap<object, Promise<string>>()

/** The same text for models of the same weights, in the same layouts and pieces, and config, on any device. Throws `DeviceError`. */
export function fingerprint(model: LoadedModel): Promise<string> {
  const { weights, gpu, config } = model
  let found = known.get(weights)
  if (found === undefined) {
    const { tokEmbeddings, output, layers, norm } = weights
    const matrices = new Set([...tokEmbeddings, ...output])
    for (const { wqkv, wo, w13, w2 } of layers) for (const one of [...wqkv, ...wo, ...w13, ...w2]) matrices.add(one)
    const buffers: (Buffer | undefined)[] = [norm]
    for (const { quants, scales, bias } of matrices) buffers.push(quants, scales, bias)
    for (const { attentionNorm, ffnNorm } of layers) buffers.push(attentionNorm, ffnNorm)
    const names = [...matrices].map(({ layout }) => layout.name)
    found = digestOf(
      gpu,
      buffers.filter((buffer) => buffer !== undefined),
      JSON.stringify([config, names]),
    )
    known.set(weights, found)
    found.catch(() => known.delete(weights))
  }
  return found
}

/** The digest of buffers and of a text: sixteen hexadecimal digits. */
export async function digestOf(gpu: Gpu, buffers: readonly Buffer[], text: string): Promise<string> {
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
  const bytes = DIGEST.THREADS * 4
  const digest = gpu.createBuffer('digest', bytes, usage)
  const readback = new Readback(gpu, 'digest readback', bytes)
  try {
    const recorder = new Recorder(gpu)
    for (const words of buffers) {
      recorder.dispatch('digest', [part(shader, { bindings: { words, digest }, constants: {} })], [1])
    }
    const recording = await recorder.build()
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    recording.encode(pass, undefined)
    pass.end()
    readback.copy(encoder, digest, bytes)
    gpu.submit(encoder.finish())
    const found = new Uint8Array(await readback.read(bytes))
    const letters = new TextEncoder().encode(text)
    const padded = new Uint8Array(Math.ceil(letters.length / 4) * 4)
    padded.set(letters)
    const sums = [sumOfWords(padded, sumOfWords(found)), sumOfWords(found, sumOfWords(padded))]
    return sums.map((sum) => sum.toString(16).padStart(8, '0')).join('')
  } finally {
    digest.destroy()
    readback.destroy()
  }
}
