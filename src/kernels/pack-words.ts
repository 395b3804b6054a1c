/**
 * The block types that most GGUFs have, brought to the order of `pack-blocks.ts` a word at a time: byte by byte it takes
 * longer than to read the file.
 */
import type { BlockName } from '../formats/blocks.ts'
import type { Copy, PackedRow } from './quantize.ts'

/** The low nibble of each byte. */
const LOW = 0x0f0f0f0f

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

/** Of 32 bytes, the low nibbles as four words: byte j of word i has element 8i + j low and element 8i + 4 + j high. */
function putLow(from: DataView, at: number, to: Uint32Array, word: number): void {
  for (let i = 0; i < 4; i++) {
    to[word + i] = (from.getUint32(at + 8 * i, true) & LOW) | ((from.getUint32(at + 8 * i + 4, true) & LOW) << 4)
  }
}

/** The same of the high nibbles. */
function putHigh(from: DataView, at: number, to: Uint32Array, word: number): void {
  for (let i = 0; i < 4; i++) {
    to[word + i] = ((from.getUint32(at + 8 * i, true) >>> 4) & LOW) | (from.getUint32(at + 8 * i + 4, true) & ~LOW)
  }
}

/** 256 elements of four bits: a run of 32 bytes has 32 elements low and the next 32 high. */
function putRuns(from: DataView, at: number, to: Uint32Array, word: number): void {
  for (let run = 0; run < 4; run++) {
    putLow(from, at + 32 * run, to, word + 8 * run)
    putHigh(from, at + 32 * run, to, word + 8 * run + 4)
  }
}

/** (f16 d, f16 dmin), then the low nibbles of scales and minimums in turn, then their two high bits. */
function putScalesAndMins(from: DataView, at: number, to: Uint32Array, word: number): void {
  const a = from.getUint32(at + 4, true)
  const b = from.getUint32(at + 8, true)
  let high = 0
  for (let k = 0; k < 4; k++) {
    const [scale, minimum] = [(a >>> (8 * k)) & 255, (b >>> (8 * k)) & 255]
    const first = ((scale >> 4) & 3) | (((minimum >> 4) & 3) << 2)
    high |= (first | (((scale >> 6) | ((minimum >> 6) << 2)) << 16)) << (4 * k)
  }
  to[word] = from.getUint32(at, true)
  to[word + 1] = (a & LOW) | ((b & LOW) << 4)
  to[word + 2] = from.getUint32(at + 12, true)
  to[word + 3] = high
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
  for (let block = 0; block < blocks; block++, at += 144) {
    putScalesAndMins(from, at, scales, side + 4 * block)
    putRuns(from, at + 16, weights, to + 32 * block)
  }
})

const copyQ5K = copyRows(176, ({ from, weights, scales }, at, to, side, blocks) => {
  for (let block = 0; block < blocks; block++, at += 176) {
    putScalesAndMins(from, at, scales, side + 12 * block)
    putRuns(from, at + 48, weights, to + 32 * block)
    // Bit j of a byte is the fifth of an element of group j.
    for (let group = 0; group < 8; group++) {
      let bits = 0
      for (let i = 0; i < 8; i++) bits |= ((from.getUint32(at + 16 + 4 * i, true) >>> group) & 0x01010101) << i
      scales[side + 12 * block + 4 + group] = bits
    }
  }
})

const copyQ6K = copyRows(210, (views, at, to, side, blocks) => {
  const { from, scales } = views
  const factors = new Uint16Array(scales.buffer, scales.byteOffset + 4 * side + 80 * blocks, blocks)
  for (let block = 0; block < blocks; block++, at += 210) {
    for (let part = 0; part < 8; part++) putSixBits(views, at, to + 32 * block, side + 20 * block, part)
    for (let i = 0; i < 4; i++) scales[side + 20 * block + 16 + i] = from.getUint32(at + 192 + 4 * i, true)
    factors[block] = from.getUint16(at + 208, true)
  }
})

/** Of 128 elements, two runs of 32 bytes have 64 low and the next 64 high; 32 more bytes have two bits of all. */
function putSixBits({ from, weights, scales }: Views, at: number, to: number, side: number, part: number): void {
  const half = part >> 2
  const run = at + 64 * half + 32 * (part & 1)
  if ((part & 2) === 0) putLow(from, run, weights, to + 4 * part)
  else putHigh(from, run, weights, to + 4 * part)
  for (let word = 0; word < 2; word++) {
    let pairs = 0
    for (let k = 0; k < 4; k++) {
      const four = from.getUint32(at + 128 + 32 * half + 16 * word + 4 * k, true)
      pairs |= ((four >>> (2 * (part & 3))) & 0x03030303) << (2 * k)
    }
    scales[side + 2 * part + word] = pairs
  }
}

export const WORD_COPIES: Readonly<Partial<Record<BlockName, Copy>>> = { q4_k: copyQ4K, q5_k: copyQ5K, q6_k: copyQ6K }
