/** What a type of GGUF's blocks is made of, once a block is taken apart. */

/** One block, taken apart. The arrays are as long as the longest block needs and are written over by each `unpack`. */
export interface BlockParts {
  /** [elements], in their order along the row. */
  readonly quants: Uint8Array
  /** [elements / group] */
  readonly scales: Int8Array
  /** [elements / group]; zeros where the type has no minimums. */
  readonly mins: Uint8Array
  /** The bits of the f16 (MXFP4: the power of two as a byte) that all scales are multiplied by. */
  d: number
  /** The bits of the f16 that all minimums are multiplied by; 0 where the type has none. */
  dmin: number
}

export function createBlockParts(): BlockParts {
  return { quants: new Uint8Array(256), scales: new Int8Array(16).fill(1), mins: new Uint8Array(16), d: 0, dmin: 0 }
}

/** An element with quant `q` in a group with scale `s` and minimum `m` is `d · unit · s · value(q) - dmin · m`. */
export interface BlockType {
  readonly elements: number
  readonly bytes: number
  /** Elements that share a scale. */
  readonly group: 16 | 32
  /** What quants stand for: `q - offset`, or the entry `q`. */
  readonly value: number | readonly number[]
  /** 1 where it is not given. */
  readonly unit?: number
  readonly unpack: (block: Uint8Array, parts: BlockParts) => void
  /** What `d` stands for, where it is no f16. */
  readonly factor?: (d: number) => number
  /** What scales stand for, where they are no whole numbers. */
  readonly scale?: (s: number) => number
}

/** Two bytes as a number. */
export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** The bits of the f16 number 1. */
export const F16_ONE = 0x3c00
