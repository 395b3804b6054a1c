/** Masks as long as the vocabulary. */

/** As many words as a mask has: those that are missing are 0, and no mask allows all tokens. A whole mask is not copied. */
export function wholeMask(mask: Uint32Array | null, words: number): Uint32Array<ArrayBuffer> {
  if (mask !== null && isWhole(mask, words)) return mask
  const own = new Uint32Array(words)
  if (mask === null) own.fill(0xffffffff)
  else own.set(mask.subarray(0, words))
  return own
}

function isWhole(mask: Uint32Array, words: number): mask is Uint32Array<ArrayBuffer> {
  return mask.length === words && mask.buffer instanceof ArrayBuffer
}
