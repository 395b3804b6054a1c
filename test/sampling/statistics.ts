/** Pearson's statistic of observed counts against expected ones. */
export function chiSquare(observed: ArrayLike<number>, expected: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < observed.length; i++) sum += (observed[i]! - expected[i]!) ** 2 / expected[i]!
  return sum
}

/** What the statistic exceeds once in a thousand times (Wilson and Hilferty's approximation). */
export function chiSquareLimit(degreesOfFreedom: number): number {
  const v = 2 / (9 * degreesOfFreedom)
  return degreesOfFreedom * (1 - v + 3.0902 * Math.sqrt(v)) ** 3
}
