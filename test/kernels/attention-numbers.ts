/** What the attention stage is made with, and its numbers: the rotary table, and what its cache of 8 bits holds. */
import { ROPE_FINE } from '../../src/kernels/attention.ts'
import type { CacheDtype } from '../../src/kernels/cache-layouts.ts'
import { headStride } from '../../src/kernels/shape.ts'

export interface StageOptions {
  nHeads: number
  nKvHeads: number
  headDim: number
  dtype: CacheDtype
  window?: number
  sequences: number
  /** How far a sequence goes. */
  positions: number
  /** How large queries and keys are; 1 gives scores of about 1. */
  gain?: number
}

export interface StageRow {
  sequence: number
  position: number
}

/**
 * The angles of all positions in the layout of the shader: the first ROPE_FINE of them, then every ROPE_FINE-th. The row of
 * frequencies is zero, so that they are taken as they are.
 */
export function ropeTable(angles: Float32Array<ArrayBuffer>, headDim: number): Float32Array<ArrayBuffer> {
  const positions = angles.length / headDim
  const coarse = Math.ceil(positions / ROPE_FINE)
  const table = new Float32Array((1 + ROPE_FINE + coarse) * headDim)
  table.set(angles.subarray(0, ROPE_FINE * headDim), headDim)
  for (let i = 0; i < coarse; i++) {
    table.set(angles.subarray(i * ROPE_FINE * headDim, (i * ROPE_FINE + 1) * headDim), (1 + ROPE_FINE + i) * headDim)
  }
  return table
}

/** A key of the 8-bit layout: its numbers with their padding, and the scale of each. */
export function unpackedKey(words: Uint32Array, headDim: number): { values: number[]; scales: number[] } {
  const stride = headStride(headDim)
  const bytes = new Int8Array(words.buffer, words.byteOffset, stride)
  const halves = new Uint16Array(words.buffer, words.byteOffset + stride)
  const scales = Array.from(bytes, (_, i) => {
    const bits = halves[Math.floor(i / 32)]! << 16
    return new Float32Array(Uint32Array.of(bits).buffer)[0]!
  })
  return { values: Array.from(bytes, (byte, i) => byte * scales[i]!), scales }
}

/** What is not the nearest multiple of a scale that is as small as 8 bits allow. */
export function wrongBlocks(exact: readonly number[], packed: ReturnType<typeof unpackedKey>, name: string): string[] {
  const wrong: string[] = []
  for (let first = 0; first < exact.length; first += 32) {
    const block = exact.slice(first, first + 32)
    const least = Math.max(...block.map(Math.abs)) / 127
    const scale = packed.scales[first]!
    // Two bytes of an f32 have seven bits behind the first.
    if (!(scale >= least * (1 - 1e-5) && scale <= least * (1 + 2 ** -7 + 1e-5))) {
      wrong.push(`${name}: block ${first / 32} has the scale ${scale}, its numbers want ${least}`)
    }
    for (const [i, value] of block.entries()) {
      const got = packed.values[first + i]!
      if (!(Math.abs(got - value) <= scale * 0.501)) wrong.push(`${name}: ${got} for ${value}, scale ${scale}`)
    }
  }
  if (packed.values.slice(exact.length).some((value) => value !== 0)) wrong.push(`${name}: padding is not zero`)
  return wrong
}
