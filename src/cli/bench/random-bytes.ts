/** Random weights that are numbers in every stored type. */
import { STORED_TYPES, type StoredDtype } from '../../formats/blocks.ts'

/** The types that random weights are made in. */
export type RandomDtype = Extract<StoredDtype, 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0'>

/** Blocks of the pattern that is repeated. A prime, so that rows of a matrix differ. */
const PATTERN_BLOCKS = 65_521

const patterns = new Map<RandomDtype, Uint8Array<ArrayBuffer>>()

/**
 * Bytes of a random tensor from `offset`: small finite numbers of either sign. The same range is always the same bytes;
 * the cost is that of a copy.
 */
export function randomBytes(dtype: RandomDtype, offset: number, length: number): Uint8Array<ArrayBuffer> {
  let pattern = patterns.get(dtype)
  if (pattern === undefined) {
    pattern = makePattern(dtype)
    patterns.set(dtype, pattern)
  }
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const from = (offset + done) % pattern.length
    const part = pattern.subarray(from, from + length - done)
    bytes.set(part, done)
    done += part.length
  }
  return bytes
}

function makePattern(dtype: RandomDtype): Uint8Array<ArrayBuffer> {
  const { bytes: size } = STORED_TYPES[dtype]
  const words = new Uint32Array(Math.ceil((PATTERN_BLOCKS * size) / 4))
  fillRandom(words)
  const bytes = new Uint8Array(words.buffer, 0, PATTERN_BLOCKS * size)
  for (let at = 0; at < bytes.length; at += size) tame(dtype, bytes, at)
  return bytes
}

/** Makes one block's random bits weights of about ±0.02, as those of real models. */
function tame(dtype: RandomDtype, bytes: Uint8Array, at: number): void {
  if (dtype === 'q8_0') setHalf(bytes, at, Q8_SCALE)
  else if (dtype === 'q4_0') setHalf(bytes, at, Q4_SCALE)
  else if (dtype === 'f16') setHalf(bytes, at, ((bytes[at + 1]! << 8) & 0x8300) | 0x2400 | bytes[at]!)
  else if (dtype === 'bf16') setHalf(bytes, at, ((bytes[at + 1]! << 8) & 0x8000) | 0x3c80 | (bytes[at]! & 0x7f))
  else setHalf(bytes, at + 2, ((bytes[at + 3]! << 8) & 0x8000) | 0x3c80 | (bytes[at + 2]! & 0x7f))
}

/** 2⁻¹² times a byte, 2⁻⁸ times a nibble, as f16. */
const Q8_SCALE = 0x0c00
const Q4_SCALE = 0x1c00

function setHalf(bytes: Uint8Array, at: number, bits: number): void {
  bytes[at] = bits & 255
  bytes[at + 1] = bits >> 8
}

/** Marsaglia's xorshift32: quick, and good enough for bits that nobody draws conclusions from. */
export function fillRandom(words: Uint32Array, seed = 0x9e3779b9): void {
  let state = seed
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
}
