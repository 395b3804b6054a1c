/** Numbers as people read them. */
export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} kB`
  if (count < 1e9) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`
  return `${(count / 1e9).toFixed(2)} GB`
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  return `${Math.round(seconds / 60)} min`
}

export function percent(logprob: number): string {
  const chance = 100 * Math.exp(logprob)
  if (chance < 0.01) return '< 0.01 %'
  return chance >= 99.95 ? '100 %' : `${chance.toFixed(chance < 0.1 ? 2 : 1)} %`
}
