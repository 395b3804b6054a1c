/** The ways in which a Hub, and the network before it, misbehave. */

/** What goes wrong; each request has a share of going wrong until the budget of faults is spent. */
export type Fault =
  | 'none'
  | 'cut'
  | 'no-ranges'
  | 'no-ranges-cut'
  | '503'
  | '429'
  | 'throttle'
  | 'wrong-range'
  | 'short-length'
  | 'size-lies'
  | 'signed-expires'
  | 'html'
  | 'gzip'
  | 'flip'
  | 'flip-always'
  | 'too-long'

export const FAULTS: readonly Fault[] = [
  'none',
  'cut',
  'no-ranges',
  'no-ranges-cut',
  '503',
  '429',
  'throttle',
  'wrong-range',
  'short-length',
  'size-lies',
  'signed-expires',
  'html',
  'gzip',
  'flip',
  'flip-always',
  'too-long',
]

/** The same bytes but for one bit. */
export function flipped(body: Uint8Array, random: () => number): Uint8Array {
  const copy = new Uint8Array(body)
  const at = Math.floor(random() * copy.byteLength)
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8))
  return copy
}
