/** Takes the keys and values of a sequence from the GPU, and puts them back. */
import type { Gpu } from '../gpu/device.ts'
import { Readback } from '../gpu/readback.ts'
import type { LayerCache } from '../kernels/attention.ts'

/** Keys and values of a sequence, layer by layer. */
export interface SavedSequence {
  /** The first position of each layer that is there. */
  readonly first: readonly number[]
  /** [2, heads, positions, bytes of a key] of each layer. */
  readonly layers: readonly Uint8Array<ArrayBuffer>[]
}

/** Bytes of the keys, or values, of one position in one layer. */
export function bytesPerPosition({ shape, layout }: LayerCache): number {
  return shape.nKvHeads * layout.bytesPerKey(shape.headDim)
}

/**
 * Reads what a sequence holds at positions below `count`; its rings have gone on to `written`. Between two batches: what was submitted
 * is done before. Throws `DeviceError`, `MemoryError`.
 */
export async function readSequence(
  gpu: Gpu,
  cache: readonly LayerCache[],
  sequence: number,
  { count, written }: { readonly count: number; readonly written: number },
): Promise<SavedSequence> {
  const first = cache.map(({ ring }) => Math.max(0, written - ring))
  const most = Math.max(...cache.map((layer, i) => 2 * (count - first[i]!) * bytesPerPosition(layer)))
  const readback = await gpu.guard('saving the cache', async () => new Readback(gpu, 'saved keys and values', most))
  try {
    const layers: Uint8Array<ArrayBuffer>[] = []
    for (const [i, layer] of cache.entries()) {
      const encoder = gpu.device.createCommandEncoder()
      for (const { at, from, bytes } of runsOf(layer, sequence, { first: first[i]!, count })) {
        readback.copyAt(encoder, layer.buffer, { from, to: at, bytes })
      }
      gpu.submit(encoder.finish())
      layers.push(new Uint8Array(await readback.read(2 * (count - first[i]!) * bytesPerPosition(layer))))
    }
    return { first, layers }
  } finally {
    readback.destroy()
  }
}

/**
 * Writes `count` positions of a saved sequence.
 * @returns how far its rings have gone then: what a ring has no room for, or was not saved, counts as overwritten
 */
export function writeSequence(
  gpu: Gpu,
  cache: readonly LayerCache[],
  sequence: number,
  { first, layers }: SavedSequence,
  count: number,
): number {
  let written = count
  for (const [i, layer] of cache.entries()) {
    const saved = first[i]!
    const kept = Math.max(saved, count - layer.ring)
    if (kept > 0) written = Math.max(written, kept + layer.ring)
    const bytes = layers[i]!
    for (const { at, from, bytes: length } of runsOf(layer, sequence, { first: saved, count, kept })) {
      gpu.write(layer.buffer, from, bytes.subarray(at, at + length))
    }
  }
  return written
}

/** Neighbours in a ring that are neighbours in the file: where they begin in the file and in the buffer, in bytes. */
function* runsOf(
  { valuesAt, ring, shape, layout }: LayerCache,
  sequence: number,
  { first, count, kept = first }: { readonly first: number; readonly count: number; readonly kept?: number },
): Generator<{ readonly at: number; readonly from: number; readonly bytes: number }> {
  const perKey = layout.bytesPerKey(shape.headDim)
  for (let i = 0; i < 2 * shape.nKvHeads; i++) {
    const head = i % shape.nKvHeads
    const base = (i < shape.nKvHeads ? 0 : valuesAt) + (sequence * shape.nKvHeads + head) * ring * perKey
    for (let position = kept; position < count; ) {
      const slot = position % ring
      const run = Math.min(count - position, ring - slot)
      const at = (i * (count - first) + (position - first)) * perKey
      yield { at, from: base + slot * perKey, bytes: run * perKey }
      position += run
    }
  }
}
