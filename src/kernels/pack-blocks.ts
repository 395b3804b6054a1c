/**
 * GGUF's blocks in the order that `shaders/block_*.wgsl` read them. The bits of the file are kept, none is added but the
 * padding of a row to whole words.
 */
import { type BlockParts, type BlockType, createBlockParts } from '../formats/block-type.ts'
import { GGML_BLOCKS } from '../formats/ggml-blocks.ts'
import { type Copy, copyQ4, rowByRow } from './quantize.ts'

/** The types whose blocks are put together here: others have simpler rows. */
export type PackedName = Exclude<keyof typeof GGML_BLOCKS, 'iq4_nl' | 'mxfp4'>

/** One row of a matrix on the GPU, as the two buffers hold it. */
export interface BlockRow {
  readonly weights: Uint32Array
  readonly scales: Uint32Array
}

interface BlockPacking {
  /** u32 words of a row of n blocks of 32 inputs, in `weights` and in `scales`. */
  readonly weightWords: (n: number) => number
  readonly scaleWords: (n: number) => number
  /** Writes block `index` of the file; the row has `n` blocks of 32 inputs. */
  readonly put: (row: BlockRow, parts: BlockParts, index: number, n: number) => void
}

const halves = (count: number) => Math.ceil(count / 2)

const BLOCK_PACKING: Readonly<Record<PackedName, BlockPacking>> = {
  q4_1: { weightWords: (n) => n * 4, scaleWords: (n) => n, put: putQ4With1 },
  q5_0: { weightWords: (n) => n * 4, scaleWords: (n) => n + halves(n), put: putQ5 },
  q5_1: { weightWords: (n) => n * 4, scaleWords: (n) => n * 2, put: putQ5With1 },
  nvfp4: { weightWords: (n) => n * 4, scaleWords: (n) => n / 2, put: putNvfp4 },
  q1_0: { weightWords: (n) => n, scaleWords: (n) => halves(n / 4), put: putQ1 },
  q2_k: { weightWords: (n) => n * 2, scaleWords: (n) => (n / 8) * 5, put: putQ2K },
  q3_k: { weightWords: (n) => n * 2, scaleWords: (n) => (n / 8) * 11 + halves(n / 8), put: putQ3K },
  q4_k: { weightWords: (n) => n * 4, scaleWords: (n) => (n / 8) * 4, put: putQ4K },
  q5_k: { weightWords: (n) => n * 4, scaleWords: (n) => (n / 8) * 12, put: putQ5K },
  q6_k: { weightWords: (n) => n * 4, scaleWords: (n) => (n / 8) * 20 + halves(n / 8), put: putQ6K },
  iq4_xs: { weightWords: (n) => n * 4, scaleWords: (n) => (n / 8) * 2, put: putIq4Xs },
  tq1_0: { weightWords: (n) => (n / 8) * 13, scaleWords: (n) => halves(n / 8), put: putTq1 },
  tq2_0: { weightWords: (n) => n * 2, scaleWords: (n) => halves(n / 8), put: putTq2 },
}

/** Bytes of a row of n blocks of 32 inputs, in each of the two buffers. */
export function blockRowBytes(name: PackedName, n: number): { quants: number; scales: number } {
  const { weightWords, scaleWords } = BLOCK_PACKING[name]
  return { quants: weightWords(n) * 4, scales: scaleWords(n) * 4 }
}

/** A byte of scale and the nibbles of Q4_0. */
export const copyMxfp4: Copy = rowByRow((stored, { quants, scales }) => {
  const block = new Uint8Array(18)
  const scale = new Uint8Array(2)
  for (let i = 0; i < scales.length; i++) {
    scales[i] = stored[17 * i]!
    block.set(stored.subarray(17 * i + 1, 17 * (i + 1)), 2)
    copyQ4(block, { quants: quants.subarray(16 * i, 16 * (i + 1)) as Uint8Array<ArrayBuffer>, scales: scale })
  }
})

/** Used for one block after another. */
const parts = createBlockParts()

/** Takes rows of a type over, bit by bit. The target must be zero. */
export function copyBlockRow(name: PackedName): Copy {
  const { elements, bytes, unpack }: BlockType = GGML_BLOCKS[name]
  const { put } = BLOCK_PACKING[name]
  return rowByRow((stored, { quants, scales }) => {
    const row = { weights: wordsOf(quants), scales: wordsOf(scales) }
    const blocks = stored.byteLength / bytes
    for (let index = 0; index < blocks; index++) {
      unpack(stored.subarray(index * bytes, (index + 1) * bytes), parts)
      put(row, parts, index, (blocks * elements) / 32)
    }
  })
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

/** Four low bits of 32 quants in four words: byte j of word i holds quant 8i + j low and quant 8i + 4 + j high. */
function putNibbles(words: Uint32Array, at: number, quants: Uint8Array, from: number): void {
  for (let i = 0; i < 4; i++) {
    let word = 0
    for (let j = 0; j < 4; j++) {
      const first = from + 8 * i + j
      word |= ((quants[first]! & 15) | ((quants[first + 4]! & 15) << 4)) << (8 * j)
    }
    words[at + i] = word
  }
}

/** Two bits of 32 quants, from bit `shift` on, in two words: byte j of a word holds quant 4i + j at bits 2i and 2i + 1. */
function putPairs(words: Uint32Array, at: number, quants: Uint8Array, from: number, shift: number): void {
  for (let half = 0; half < 2; half++) {
    let word = 0
    for (let q = 0; q < 16; q++) {
      word |= ((quants[from + 16 * half + q]! >> shift) & 3) << (8 * (q & 3) + 2 * (q >> 2))
    }
    words[at + half] = word
  }
}

/** Bit `shift` of 32 quants in one word: byte j holds quant 4i + j at place i. */
function bitWord(quants: Uint8Array, from: number, shift: number): number {
  let word = 0
  for (let q = 0; q < 32; q++) word |= ((quants[from + q]! >> shift) & 1) << (8 * (q & 3) + (q >> 2))
  return word
}

/** Puts the f16 `bits` at place `index` of those that begin at word `at`. */
function putHalf(words: Uint32Array, at: number, index: number, bits: number): void {
  words[at + (index >> 1)]! |= bits << (16 * (index & 1))
}

/** Low nibbles of `count` numbers of 6 bits in words of eight, and their two high bits in words of sixteen. */
function sixBits(numbers: ArrayLike<number>, count: number, offset: number): { low: number[]; high: number[] } {
  const low = Array.from({ length: count / 8 }, () => 0)
  const high = Array.from({ length: Math.ceil(count / 16) }, () => 0)
  for (let j = 0; j < count; j++) {
    const value = numbers[j]! + offset
    low[j >> 3]! |= (value & 15) << (4 * (j & 7))
    high[j >> 4]! |= (value >> 4) << (2 * (j & 15))
  }
  return { low, high }
}

function putQ4With1({ weights, scales }: BlockRow, { quants, d, dmin }: BlockParts, index: number): void {
  putNibbles(weights, index * 4, quants, 0)
  // The file adds its minimum, as the shader reads it.
  scales[index] = d | ((dmin ^ 0x8000) << 16)
}

function putQ5({ weights, scales }: BlockRow, { quants, d }: BlockParts, index: number, n: number): void {
  putNibbles(weights, index * 4, quants, 0)
  scales[index] = bitWord(quants, 0, 4)
  putHalf(scales, n, index, d)
}

function putQ5With1({ weights, scales }: BlockRow, { quants, d, dmin }: BlockParts, index: number): void {
  putNibbles(weights, index * 4, quants, 0)
  scales[index * 2] = d | ((dmin ^ 0x8000) << 16)
  scales[index * 2 + 1] = bitWord(quants, 0, 4)
}

function putNvfp4({ weights, scales }: BlockRow, { quants, scales: s }: BlockParts, index: number): void {
  for (let j = 0; j < 2; j++) putNibbles(weights, (index * 2 + j) * 4, quants, 32 * j)
  for (let j = 0; j < 4; j++) scales[index]! |= (s[j]! & 255) << (8 * j)
}

function putQ1({ weights, scales }: BlockRow, { quants, d }: BlockParts, index: number): void {
  for (let j = 0; j < 4; j++) weights[index * 4 + j] = bitWord(quants, 32 * j, 0)
  putHalf(scales, 0, index, d)
}

function putQ2K({ weights, scales }: BlockRow, { quants, scales: s, mins, d, dmin }: BlockParts, index: number): void {
  for (let j = 0; j < 8; j++) putPairs(weights, (index * 8 + j) * 2, quants, 32 * j, 0)
  const at = index * 5
  scales[at] = d | (dmin << 16)
  for (let j = 0; j < 16; j++) scales[at + 1 + (j >> 2)]! |= (s[j]! | (mins[j]! << 4)) << (8 * (j & 3))
}

function putQ3K({ weights, scales }: BlockRow, { quants, scales: s, d }: BlockParts, index: number, n: number): void {
  const at = index * 11
  for (let j = 0; j < 8; j++) {
    putPairs(weights, (index * 8 + j) * 2, quants, 32 * j, 0)
    scales[at + j] = bitWord(quants, 32 * j, 2)
  }
  const { low, high } = sixBits(s, 16, 32)
  scales.set([...low, ...high], at + 8)
  putHalf(scales, (n / 8) * 11, index, d)
}

/** (f16 d, f16 dmin), then scales and minimums in turn. */
function putScalesAndMins(scales: Uint32Array, at: number, { scales: s, mins, d, dmin }: BlockParts): void {
  scales[at] = d | (dmin << 16)
  const { low, high } = sixBits(
    Array.from({ length: 16 }, (_, j) => (j % 2 === 0 ? s[j / 2]! : mins[(j - 1) / 2]!)),
    16,
    0,
  )
  scales.set([...low, ...high], at + 1)
}

function putQ4K({ weights, scales }: BlockRow, block: BlockParts, index: number): void {
  for (let j = 0; j < 8; j++) putNibbles(weights, (index * 8 + j) * 4, block.quants, 32 * j)
  putScalesAndMins(scales, index * 4, block)
}

function putQ5K({ weights, scales }: BlockRow, block: BlockParts, index: number): void {
  const at = index * 12
  putScalesAndMins(scales, at, block)
  for (let j = 0; j < 8; j++) {
    putNibbles(weights, (index * 8 + j) * 4, block.quants, 32 * j)
    scales[at + 4 + j] = bitWord(block.quants, 32 * j, 4)
  }
}

function putQ6K({ weights, scales }: BlockRow, { quants, scales: s, d }: BlockParts, index: number, n: number): void {
  const at = index * 20
  for (let j = 0; j < 8; j++) {
    putNibbles(weights, (index * 8 + j) * 4, quants, 32 * j)
    putPairs(scales, at + 2 * j, quants, 32 * j, 4)
  }
  for (let j = 0; j < 16; j++) scales[at + 16 + (j >> 2)]! |= (s[j]! & 255) << (8 * (j & 3))
  putHalf(scales, (n / 8) * 20, index, d)
}

function putIq4Xs({ weights, scales }: BlockRow, { quants, scales: s, d }: BlockParts, index: number): void {
  for (let j = 0; j < 8; j++) putNibbles(weights, (index * 8 + j) * 4, quants, 32 * j)
  const { low, high } = sixBits(s, 8, 32)
  scales[index * 2] = d | (high[0]! << 16)
  scales[index * 2 + 1] = low[0]!
}

function putTq2({ weights, scales }: BlockRow, { quants, d }: BlockParts, index: number): void {
  for (let j = 0; j < 8; j++) putPairs(weights, (index * 8 + j) * 2, quants, 32 * j, 0)
  putHalf(scales, 0, index, d)
}

/** A byte of up to five digits to base 3, the first the highest, as a fraction of 256 (rounded up, as ggml does). */
function digitByte(quants: Uint8Array, elements: readonly number[]): number {
  const value = elements.reduce((sum, element, n) => sum + quants[element]! * 3 ** (4 - n), 0)
  return Math.ceil((value * 256) / 243)
}

/** Bytes of five digits would straddle blocks: of each block, five go to a word, two and a half to half a word, two digits are left over. */
function putTq1({ weights, scales }: BlockRow, { quants, d }: BlockParts, index: number): void {
  const at = index * 13
  for (let j = 0; j < 8; j++) {
    const from = 32 * j
    for (let byte = 0; byte < 4; byte++) {
      const five = [0, 4, 8, 12, 16].map((quad) => from + quad + byte)
      weights[at + j]! |= digitByte(quants, five) << (8 * byte)
    }
    for (let byte = 0; byte < 2; byte++) {
      const five = [20, 21, 22, 23].map((place) => from + place + 4 * byte).concat(from + 28 + byte)
      weights[at + 8 + (j >> 1)]! |= digitByte(quants, five) << (16 * (j & 1) + 8 * byte)
    }
  }
  for (let byte = 0; byte < 4; byte++) {
    const four = [30, 31, 62, 63].map((place) => 64 * byte + place)
    weights[at + 12]! |= digitByte(quants, four) << (8 * byte)
  }
  putHalf(scales, 0, index, d)
}
