/**
 * The integers that the sampler counts in, as `shaders/sampler_math.wgsl` computes them: sums of integers do not depend on
 * the order of adding, so GPU and CPU agree on every choice. All steps are f32, each rounded.
 */
const f32 = Math.fround
const TWO_32 = 2 ** 32

/** Scores, and gaps between them, that count as 0: devices may flush what is smaller, or see no difference. */
const LEAST_SCORE = 2 ** -126
const LEAST_GAP = 2 ** -30

/** 2^f for f in [0, 1]: minimax, relative error 1.6e-7 with all roundings. Highest power first, the last is 1. */
const EXP2 = [
  0.0018671300495043397, 0.009017030708491802, 0.05579991266131401, 0.24016444385051727, 0.6931512951850891, 1,
]
const LOG2E = f32(Math.LOG2E)

/** The score as the sampler sees it: NaN is -Infinity, and what is below 2^-126 is 0. */
export function cleanScore(score: number): number {
  if (Number.isNaN(score)) return -Infinity
  return Math.abs(score) < LEAST_SCORE ? 0 : score
}

/** How far a score is below the best, at least 0, in f32. */
export function gapOf(score: number, top: number): number {
  if (score === top) return 0
  const gap = f32(top - score)
  return gap < LEAST_GAP ? 0 : gap
}

/** round(2^31 exp(-gap)), within 2e-7 of it; 0 from a gap of 31 ln 2. */
export function weightOf(gap: number): number {
  const t = f32(gap * LOG2E)
  if (!(t < 31)) return 0
  const k = Math.ceil(t)
  const f = f32(k - t)
  let p = EXP2[0]!
  for (const c of EXP2.slice(1)) p = f32(f32(p * f) + c)
  p = Math.min(Math.max(p, 1), 2 - 2 ** -23)
  return Math.floor(p * 2 ** (31 - k) + 0.5)
}

/** floor(total · part / 2^32), exactly. `total` is an integer below 2^53, `part` a u32. */
export function shareOf(total: number, part: number): number {
  const high = Math.floor(total / TWO_32)
  const low = total - high * TWO_32
  // high < 2^21: this product is exact. The other is below 2^64 and is split in halves.
  const partHigh = Math.floor(part / 65536)
  const carry = Math.floor((low * (part % 65536)) / 65536)
  return high * part + Math.floor((low * partHigh + carry) / 65536)
}
