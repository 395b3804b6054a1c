/**
 * The block types that most GGUFs have, brought to the order of `pack-blocks.ts` a word at a time: byte by byte it takes
 * longer than to read the file. Masks, which are beyond any row that a buffer holds, tell V8 that no sum of
 * places leaves 31 bits: each access would check that first. Constants are the functions' own, since bundlers make variables of a module's.
 */
import type { BlockName } from '../formats/blocks.ts'
import type { Copy, PackedRow } from './quantize.ts'

interface Views {
  readonly from: DataView
  readonly weights: Uint32Array
  readonly scales: Uint32Array
}

function views(stored: Uint8Array, { quants, scales }: PackedRow): Views {
  return {
    from: new DataView(stored.buffer, stored.byteOffset, stored.byteLength),
    weights: new Uint32Array(quants.buffer, quants.byteOffset, quants.byteLength / 4),
    scales: new Uint32Array(scales.buffer, scales.byteOffset, scales.byteLength / 4),
  }
}

/**
 * Of 32 bytes, the low nibbles as four words from `low` on, and the high ones from `high` on: byte j of word i has element 8i + j
 * low and element 8i + 4 + j high. Word by word, since a loop of four takes half as long again.
 */
function putRun(from: DataView, at: number, to: Uint32Array, low: number, high: number): void {
  const LOW = 0x0f0f0f0f
  let a = from.getUint32(at, true)
  let b = from.getUint32(at + 4, true)
  let swapped = ((a >>> 4) ^ b) & LOW
  to[low] = a ^ (swapped << 4)
  to[high] = b ^ swapped
  a = from.getUint32(at + 8, true)
  b = from.getUint32(at + 12, true)
  swapped = ((a >>> 4) ^ b) & LOW
  to[low + 1] = a ^ (swapped << 4)
  to[high + 1] = b ^ swapped
  a = from.getUint32(at + 16, true)
  b = from.getUint32(at + 20, true)
  swapped = ((a >>> 4) ^ b) & LOW
  to[low + 2] = a ^ (swapped << 4)
  to[high + 2] = b ^ swapped
  a = from.getUint32(at + 24, true)
  b = from.getUint32(at + 28, true)
  swapped = ((a >>> 4) ^ b) & LOW
  to[low + 3] = a ^ (swapped << 4)
  to[high + 3] = b ^ swapped
}

/** 256 elements of four bits: a run of 32 bytes has 32 elements low and the next 32 high. */
function putRuns(from: DataView, at: number, to: Uint32Array, word: number): void {
  putRun(from, at, to, word, word + 4)
  putRun(from, at + 32, to, word + 8, word + 12)
  putRun(from, at + 64, to, word + 16, word + 20)
  putRun(from, at + 96, to, word + 24, word + 28)
}

/** (f16 d, f16 dmin), then the low nibbles of scales and minimums in turn, then their two high bits. */
function putScalesAndMins(from: DataView, at: number, to: Uint32Array, word: number): void {
  const LOW = 0x0f0f0f0f
  const PAIR = 0x03030303
  const a = from.getUint32(at + 4, true)
  const b = from.getUint32(at + 8, true)
  to[word] = from.getUint32(at, true)
  to[word + 1] = (a & LOW) | ((b & LOW) << 4)
  to[word + 2] = from.getUint32(at + 12, true)
  // Each byte has the bits of one scale and below them those of one minimum: its nibble goes to the nibbles' place.
  const first = ((a >>> 4) & PAIR) | (((b >>> 4) & PAIR) << 2)
  const second = ((a >>> 6) & PAIR) | (((b >>> 6) & PAIR) << 2)
  to[word + 3] = nibbles(first) | (nibbles(second) << 16)
}

/** The low nibbles of four bytes, whose high ones are zeros, side by side. */
function nibbles(bytes: number): number {
  const pairs = (bytes | (bytes >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}

/** Takes blocks from byte `at` on to word `to` of the quants and word `side` of the scales. */
type CopyRow = (views: Views, at: number, to: number, side: number, blocks: number) => void

/** Rows one after another, with one set of views: to make them costs as much as to copy a row. */
function copyRows(size: number, copyRow: CopyRow): Copy {
  return (stored, first, run) => {
    const made = views(stored, first)
    const { count, from, quants, scales } = run ?? { count: 1, from: stored.byteLength, quants: 0, scales: 0 }
    for (let i = 0; i < count; i++) copyRow(made, i * from, (i * quants) / 4, (i * scales) / 4, from / size)
  }
}

const copyQ4K = copyRows(144, ({ from, weights, scales }, at, to, side, blocks) => {
  const begin = { at: at & 0x3fffffff, to: to & 0xfffffff, side: side & 0xfffffff }
  const count = blocks & 0x3fffff
  for (let block = 0; block < count; block++) {
    const at = begin.at + 144 * block
    putScalesAndMins(from, at, scales, begin.side + 4 * block)
    putRuns(from, at + 16, weights, begin.to + 32 * block)
  }
})

const copyQ5K = copyRows(176, ({ from, weights, scales }, at, to, side, blocks) => {
  const begin = { at: at & 0x3fffffff, to: to & 0xfffffff, side: side & 0xfffffff }
  const count = blocks & 0x3fffff
  for (let block = 0; block < count; block++) {
    const at = begin.at + 176 * block
    const word = begin.side + 12 * block
    putScalesAndMins(from, at, scales, word)
    putRuns(from, at + 48, weights, begin.to + 32 * block)
    putFifths(from, at + 16, scales, word + 4)
  }
})

/** Bit j of each of 32 bytes is the fifth of an element of group j. */
function putFifths(from: DataView, at: number, to: Uint32Array, word: number): void {
  const BIT = 0x01010101
  for (let group = 0; group < 8; group += 4) {
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let i = 0; i < 8; i++) {
      const bits = from.getUint32(at + 4 * i, true) >>> group
      a |= (bits & BIT) << i
      b |= ((bits >>> 1) & BIT) << i
      c |= ((bits >>> 2) & BIT) << i
      d |= ((bits >>> 3) & BIT) << i
    }
    to[word + group] = a
    to[word + group + 1] = b
    to[word + group + 2] = c
    to[word + group + 3] = d
  }
}

const copyQ6K = copyRows(210, (views, at, to, side, blocks) => {
  const { from, scales } = views
  const factors = new Uint16Array(scales.buffer, scales.byteOffset + 4 * side + 80 * blocks, blocks)
  const begin = { at: at & 0x3fffffff, to: to & 0xfffffff, side: side & 0xfffffff }
  const count = blocks & 0x3fffff
  for (let block = 0; block < count; block++) {
    const at = begin.at + 210 * block
    const word = begin.side + 20 * block
    for (let half = 0; half < 2; half++) putSixBits(views, at, begin.to + 32 * block, word, half)
    scales[word + 16] = from.getUint32(at + 192, true)
    scales[word + 17] = from.getUint32(at + 196, true)
    scales[word + 18] = from.getUint32(at + 200, true)
    scales[word + 19] = from.getUint32(at + 204, true)
    factors[block] = from.getUint16(at + 208, true)
  }
})

/** Of 128 elements, two runs of 32 bytes have 64 low and the next 64 high; 32 more bytes have two bits of all. */
function putSixBits({ from, weights, scales }: Views, at: number, to: number, side: number, half: number): void {
  const PAIR = 0x03030303
  const words = to + 16 * half
  putRun(from, at + 64 * half, weights, words, words + 8)
  putRun(from, at + 64 * half + 32, weights, words + 4, words + 12)
  for (let word = 0; word < 2; word++) {
    const bits = at + 128 + 32 * half + 16 * word
    const a = from.getUint32(bits, true)
    const b = from.getUint32(bits + 4, true)
    const c = from.getUint32(bits + 8, true)
    const d = from.getUint32(bits + 12, true)
    const pairs = side + 8 * half + word
    scales[pairs] = (a & PAIR) | ((b & PAIR) << 2) | ((c & PAIR) << 4) | ((d & PAIR) << 6)
    scales[pairs + 2] = ((a >>> 2) & PAIR) | (b & (PAIR << 2)) | ((c & (PAIR << 2)) << 2) | ((d & (PAIR << 2)) << 4)
    scales[pairs + 4] = ((a >>> 4) & PAIR) | ((b >>> 2) & (PAIR << 2)) | (c & (PAIR << 4)) | ((d & (PAIR << 4)) << 2)
    scales[pairs + 6] = ((a >>> 6) & PAIR) | ((b >>> 4) & (PAIR << 2)) | ((c >>> 2) & (PAIR << 4)) | (d & (PAIR << 6))
  }
}

export const WORD_COPIES: Readonly<Partial<Record<BlockName, Copy>>> = { q4_k: copyQ4K, q5_k: copyQ5K, q6_k: copyQ6K }
