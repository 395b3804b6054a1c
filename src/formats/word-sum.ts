/** A check sum over words of 32 bits, for what is too large to be hashed byte by byte. */

/** To begin with. */
export const FIRST_SUM = 0x4d574b56

/** Goes on from `sum`. A change of one word always changes it. @param bytes of whole words, at a place that is a multiple of 4 */
export function sumOfWords(bytes: Uint8Array<ArrayBuffer>, sum = FIRST_SUM): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  let hash = sum ^ words.length
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash >>> 0
}
