/**
 * Random numbers that are a pure function of (seed, step): nothing is stored, so a rewound or resumed request draws
 * the same numbers, and a shader draws them too. Everything is u32 arithmetic that WGSL has.
 */

export type Seed = number | bigint

const TWO_32 = 4294967296

/** The 64-bit two's complement of an integer seed as [low, high] words, which is how a shader holds it. */
export function seedWords(seed: Seed): [low: number, high: number] {
  if (typeof seed === 'bigint') {
    const bits = BigInt.asUintN(64, seed)
    return [Number(bits & 0xffffffffn), Number(bits >> 32n)]
  }
  return [seed >>> 0, Math.floor(seed / TWO_32) >>> 0]
}

/**
 * PCG3D: three u32 in, three well mixed u32 out. M. Jarzynski and M. Olano, "Hash Functions for GPU Rendering",
 * Journal of Computer Graphics Techniques 9(3), 2020, listing 16.
 */
export function pcg3d(a: number, b: number, c: number): [number, number, number] {
  let x = (Math.imul(a, 1664525) + 1013904223) | 0
  let y = (Math.imul(b, 1664525) + 1013904223) | 0
  let z = (Math.imul(c, 1664525) + 1013904223) | 0
  x = (x + Math.imul(y, z)) | 0
  y = (y + Math.imul(z, x)) | 0
  z = (z + Math.imul(x, y)) | 0
  x ^= x >>> 16
  y ^= y >>> 16
  z ^= z >>> 16
  x = (x + Math.imul(y, z)) | 0
  y = (y + Math.imul(z, x)) | 0
  z = (z + Math.imul(x, y)) | 0
  return [x >>> 0, y >>> 0, z >>> 0]
}

/**
 * The random word of one step, uniform over u32: the first of `pcg3d(seed low, seed high, step)`.
 *
 * @param seed an integer; numbers must be safe integers, both kinds are taken modulo 2^64
 * @param step the index of the generated token, 0 for the first, modulo 2^32
 */
export function randomWord(seed: Seed, step: number): number {
  const [low, high] = seedWords(seed)
  return pcg3d(low, high, step >>> 0)[0]
}

/** A seed for requests that name none. 53 bits, so that it survives JSON and can be sent again. */
export function randomSeed(): number {
  const words = crypto.getRandomValues(new Uint32Array(2))
  return (words[0]! & 0x1fffff) * TWO_32 + words[1]!
}
