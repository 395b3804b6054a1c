/** Random rows of GGUF's block types. */
import { type BlockName, STORED_TYPES, storedBytes } from '../../src/formats/blocks.ts'
import { randomNumbers } from './gpu.ts'

/** Where the f16 numbers of a block are. */
const HALVES: Readonly<Record<BlockName, readonly number[]>> = {
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  iq4_nl: [0],
  mxfp4: [],
  q2_k: [80, 82],
  q3_k: [108],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
  iq4_xs: [0],
  tq1_0: [52],
  tq2_0: [64],
  nvfp4: [],
  q1_0: [0],
  iq1_s: [0],
  iq1_m: [],
  iq2_xxs: [0],
  iq2_xs: [0],
  iq2_s: [0],
  iq3_xxs: [0],
  iq3_s: [0],
}

/** A row of random bits whose scales make weights of about 1 / sqrt(cols), as in a trained model. */
export function randomBlocks(name: BlockName, cols: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = randomNumbers(seed * 7919 + cols)
  const bytes = Uint8Array.from({ length: storedBytes(name, cols) }, () => Math.floor((random() + 1) * 128))
  const { bytes: size } = STORED_TYPES[name]
  for (let at = 0; at < bytes.length; at += size) {
    if (name === 'mxfp4') bytes[at] = 118 + (bytes[at]! & 3)
    if (name === 'nvfp4') for (let j = 0; j < 4; j++) bytes[at + j]! &= 15
    // The highest bits of its f16, which is spread over the block.
    if (name === 'iq1_m') bytes[at + 55] = bytes[at + 55]! & 0x8f
    // The upper byte of an f16 between 2^-13 and 2^-10.
    for (const half of HALVES[name]) bytes[at + half + 1] = (bytes[at + half + 1]! & 0x83) | 0x08
  }
  return bytes
}
