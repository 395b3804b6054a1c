/** Rows of weights on their way to the GPU: bytes of the file taken over as they are, and f32 as it is. */

/** One row of a matrix in the layout that it gets on the GPU, padded with zeros to whole blocks. */
export interface PackedRow {
  readonly quants: Uint8Array<ArrayBuffer>
  /** Empty where the layout has no scales. */
  readonly scales: Uint8Array<ArrayBuffer>
}

/** Takes the bytes of a row as they lie in the file. */
export type Copy = (stored: Uint8Array, row: PackedRow) => void

/** What rounding took away: sums of squares. */
export interface RoundingSums {
  /** Of the differences between weights and what stands for them. */
  error: number
  /** Of the weights. */
  total: number
}

/** Takes the values of a row, and adds to `sums` what it took away where it rounds to few bits. */
export type Pack = (values: Float32Array, row: PackedRow, sums?: RoundingSums) => void

/** For layouts that are the file's own. */
export const copyBytes: Copy = (stored, { quants }) => quants.set(stored)

export const packF32: Pack = (values, { quants }) => {
  quants.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

/** Takes GGUF blocks (an f16 scale, then the quants) apart. */
function copyBlocks(size: number, copyQuants: (block: Uint8Array, quants: Uint8Array) => void): Copy {
  return (stored, { quants, scales }) => {
    const blocks = scales.length / 2
    const width = quants.length / blocks
    for (let i = 0; i < blocks; i++) {
      const block = stored.subarray(i * size, (i + 1) * size)
      scales.set(block.subarray(0, 2), 2 * i)
      copyQuants(block.subarray(2), quants.subarray(i * width, (i + 1) * width))
    }
  }
}

export const copyQ8: Copy = copyBlocks(34, (block, quants) => quants.set(block))

/** Byte j of word i holds input 8i + j in its low nibble and input 8i + 4 + j in its high one. */
export const copyQ4: Copy = copyBlocks(18, (block, quants) => {
  for (let byte = 0; byte < 16; byte++) {
    const first = 8 * (byte >> 2) + (byte & 3)
    quants[byte] = q4Element(block, first) | (q4Element(block, first + 4) << 4)
  }
})

/** Four bits as eight, which loses nothing. */
export const widenQ4: Copy = copyBlocks(18, (block, quants) => {
  for (let element = 0; element < 32; element++) quants[element] = q4Element(block, element) - 8
})

/** Q4_0 keeps element j in the low nibble of byte j and element 16 + j in the high one. */
function q4Element(block: Uint8Array, element: number): number {
  return element < 16 ? block[element]! & 15 : block[element - 16]! >> 4
}
