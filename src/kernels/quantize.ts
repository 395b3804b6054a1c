/** Rows of weights on their way to the GPU: bytes of the file taken over as they are, and f32 as it is. */
import { u16View } from '../formats/blocks.ts'

/** One row of a matrix in the layout that it gets on the GPU, padded with zeros to whole blocks. */
export interface PackedRow {
  readonly quants: Uint8Array<ArrayBuffer>
  /** Empty where the layout has no scales. */
  readonly scales: Uint8Array<ArrayBuffer>
}

/** Rows of the file that follow one another, and where they go: bytes from one row to the next. */
export interface Run {
  readonly count: number
  readonly from: number
  readonly quants: number
  readonly scales: number
  /** Bytes of a row. */
  readonly row: { readonly quants: number; readonly scales: number }
}

/** Takes the bytes of rows as they lie in the file; those of one row where no run is given. */
export type Copy = (stored: Uint8Array, first: PackedRow, run?: Run) => void

/** What rounding took away: sums of squares. */
export interface RoundingSums {
  /** Of the differences between weights and what stands for them. */
  error: number
  /** Of the weights. */
  total: number
}

/** Takes the values of a row, and adds to `sums` what it took away where it rounds to few bits. */
export type Pack = (values: Float32Array, row: PackedRow, sums?: RoundingSums) => void

/** Takes the rows of a run one by one. */
export function rowByRow(copy: (stored: Uint8Array, row: PackedRow) => void): Copy {
  return (stored, first, run) => {
    if (run === undefined) return copy(stored, first)
    const { quants, scales } = first
    for (let i = 0; i < run.count; i++) {
      copy(stored.subarray(i * run.from, (i + 1) * run.from), {
        quants: quants.subarray(i * run.quants, i * run.quants + run.row.quants),
        scales: scales.subarray(i * run.scales, i * run.scales + run.row.scales),
      })
    }
  }
}

/** For layouts that are the file's own. */
export const copyBytes: Copy = (stored, { quants }, run) => {
  if (run === undefined) quants.set(stored)
  else for (let i = 0; i < run.count; i++) quants.set(stored.subarray(i * run.from, (i + 1) * run.from), i * run.quants)
}

export const packF32: Pack = (values, { quants }) => {
  quants.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

/** What blocks of GGUF are read and written by: in files they have whole pairs of bytes, on the GPU whole words. */
interface BlockViews {
  readonly from: Uint16Array
  readonly words: Uint32Array
  readonly scales: Uint16Array
}

/** The same where two blocks are whole words: then half as much is read and written. */
interface PairViews {
  readonly from: Uint32Array
  readonly words: Uint32Array
  readonly scales: Uint32Array
}

/** Takes so many blocks, or pairs of them, from `at` on to `to` and `scale`, counted in elements of the views. */
type CopyRow<V> = (views: V, at: number, to: number, scale: number, count: number) => void

/**
 * Takes GGUF blocks (an f16 scale, then the quants) apart, with one set of views for a whole run: to make them costs as much as a row.
 */
function copyBlocks(size: number, copyRow: CopyRow<BlockViews>, copyPairs?: CopyRow<PairViews>): Copy {
  return (stored, { quants, scales }, run) => {
    const rows = run ?? { count: 1, from: stored.byteLength, quants: 0, scales: 0 }
    const words = new Uint32Array(quants.buffer, quants.byteOffset, quants.byteLength / 4)
    const inPairs = rows.from % (2 * size) === 0 && (stored.byteOffset | scales.byteOffset | rows.scales) % 4 === 0
    if (copyPairs !== undefined && inPairs) {
      const from = new Uint32Array(stored.buffer, stored.byteOffset, stored.byteLength / 4)
      const views = { from, words, scales: new Uint32Array(scales.buffer, scales.byteOffset, scales.byteLength / 4) }
      for (let i = 0; i < rows.count; i++) {
        copyPairs(views, (i * rows.from) / 4, (i * rows.quants) / 4, (i * rows.scales) / 4, rows.from / (2 * size))
      }
      return
    }
    const views = {
      from: u16View(stored),
      words,
      scales: new Uint16Array(scales.buffer, scales.byteOffset, scales.byteLength / 2),
    }
    for (let i = 0; i < rows.count; i++) {
      copyRow(views, (i * rows.from) / 2, (i * rows.quants) / 4, (i * rows.scales) / 2, rows.from / size)
    }
  }
}

/** The scale of a first block, and of a second one whose scale is the upper half of its word. */
function bothScales(first: number, second: number): number {
  return (first & 0xffff) | (second & 0xffff0000)
}

export const copyQ8: Copy = copyBlocks(
  34,
  ({ from, words, scales }, at, to, scale, count) => {
    for (let block = 0; block < count; block++) {
      scales[scale++] = from[at++]!
      for (let i = 0; i < 8; i++, at += 2) words[to++] = from[at]! | (from[at + 1]! << 16)
    }
  },
  ({ from, words, scales }, at, to, scale, count) => {
    for (let pair = 0; pair < count; pair++, at += 17, to += 16) {
      let word = from[at]!
      scales[scale++] = bothScales(word, from[at + 8]!)
      for (let i = 0; i < 8; i++) {
        const next = from[at + 1 + i]!
        words[to + i] = (word >>> 16) | (next << 16)
        words[to + 8 + i] = from[at + 9 + i]!
        word = next
      }
    }
  },
)

/** The low nibble of each byte. */
const LOW = 0x0f0f0f0f

/** Writes a block of Q4_0, whose quants are `a` to `d`: it keeps element j in the low nibble of byte j and element 16 + j in the high one. */
function putQ4(words: Uint32Array, to: number, a: number, b: number, c: number, d: number): void {
  words[to] = (a & LOW) | ((b & LOW) << 4)
  words[to + 1] = (c & LOW) | ((d & LOW) << 4)
  words[to + 2] = ((a >>> 4) & LOW) | (b & ~LOW)
  words[to + 3] = ((c >>> 4) & LOW) | (d & ~LOW)
}

/** On the GPU byte j of word i holds input 8i + j in its low nibble and input 8i + 4 + j in its high one. */
export const copyQ4: Copy = copyBlocks(
  18,
  ({ from, words, scales }, at, to, scale, count) => {
    for (let block = 0; block < count; block++, at += 9, to += 4) {
      scales[scale++] = from[at]!
      const a = from[at + 1]! | (from[at + 2]! << 16)
      const b = from[at + 3]! | (from[at + 4]! << 16)
      const c = from[at + 5]! | (from[at + 6]! << 16)
      putQ4(words, to, a, b, c, from[at + 7]! | (from[at + 8]! << 16))
    }
  },
  copyQ4Pairs,
)

/**
 * The same in fewer instructions. The masks, which are beyond any row that a buffer holds, tell V8 that no sum below leaves 31 bits: each
 * access would check that first. High nibbles of one word and low ones of the next change places. Functions and constants of the module, which bundlers
 * make variables of, would be looked at again for each pair.
 */
function copyQ4Pairs({ from, words, scales }: PairViews, at: number, to: number, scale: number, count: number): void {
  const LOW = 0x0f0f0f0f
  const pairs = count & 0xffffff
  const begin = { at: at & 0xfffffff, to: to & 0xfffffff, scale: scale & 0xfffffff }
  for (let pair = 0; pair < pairs; pair++) {
    const at = begin.at + 9 * pair
    const to = begin.to + 8 * pair
    const first = from[at]!
    const second = from[at + 1]!
    const third = from[at + 2]!
    const fourth = from[at + 3]!
    const last = from[at + 4]!
    scales[begin.scale + pair] = (first & 0xffff) | (last & 0xffff0000)
    const a = (first >>> 16) | (second << 16)
    const b = (second >>> 16) | (third << 16)
    let swapped = ((a >>> 4) ^ b) & LOW
    words[to] = a ^ (swapped << 4)
    words[to + 2] = b ^ swapped
    const c = (third >>> 16) | (fourth << 16)
    const d = (fourth >>> 16) | (last << 16)
    swapped = ((c >>> 4) ^ d) & LOW
    words[to + 1] = c ^ (swapped << 4)
    words[to + 3] = d ^ swapped
    const e = from[at + 5]!
    const f = from[at + 6]!
    swapped = ((e >>> 4) ^ f) & LOW
    words[to + 4] = e ^ (swapped << 4)
    words[to + 6] = f ^ swapped
    const g = from[at + 7]!
    const h = from[at + 8]!
    swapped = ((g >>> 4) ^ h) & LOW
    words[to + 5] = g ^ (swapped << 4)
    words[to + 7] = h ^ swapped
  }
}

/** Four bits as eight, which loses nothing. */
export const widenQ4: Copy = copyBlocks(18, ({ from, words, scales }, at, to, scale, count) => {
  for (let block = 0; block < count; block++, to += 8) {
    scales[scale++] = from[at++]!
    for (let i = 0; i < 4; i++, at += 2) {
      const four = from[at]! | (from[at + 1]! << 16)
      words[to + i] = minusEight(four & LOW)
      words[to + 4 + i] = minusEight((four >>> 4) & LOW)
    }
  }
})

/** Eight taken from each byte, which is below sixteen: what bit 3 lacks is the sign, in all of the upper bits. */
function minusEight(bytes: number): number {
  const flipped = bytes ^ 0x08080808
  return flipped | ((flipped & 0x08080808) * 30)
}
