/** Sets of characters as sorted ranges that neither touch nor overlap. */
import type { CharRange } from './expression.ts'

const LAST = 0x10ffff
const FIRST_SURROGATE = 0xd800
const LAST_SURROGATE = 0xdfff

/** Sorted, joined, without surrogates and what lies outside of Unicode. */
export function normalRanges(ranges: readonly CharRange[]): CharRange[] {
  const cut: CharRange[] = []
  for (const range of ranges) {
    const [first, last] = range
    if (first >= 0 && last < FIRST_SURROGATE) {
      if (first <= last) cut.push(range)
      continue
    }
    const low: CharRange = [Math.max(first, 0), Math.min(last, FIRST_SURROGATE - 1)]
    const high: CharRange = [Math.max(first, LAST_SURROGATE + 1), Math.min(last, LAST)]
    if (low[0] <= low[1]) cut.push(low)
    if (high[0] <= high[1]) cut.push(high)
  }
  cut.sort((a, b) => a[0] - b[0])
  const out: CharRange[] = []
  for (const [first, last] of cut) {
    const before = out.at(-1)
    if (before !== undefined && first <= before[1] + 1) out[out.length - 1] = [before[0], Math.max(before[1], last)]
    else out.push([first, last])
  }
  return out
}

export function union(a: readonly CharRange[], b: readonly CharRange[]): readonly CharRange[] {
  return normalRanges([...a, ...b])
}

export function intersection(a: readonly CharRange[], b: readonly CharRange[]): readonly CharRange[] {
  const out: CharRange[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const first = Math.max(a[i]![0], b[j]![0])
    const last = Math.min(a[i]![1], b[j]![1])
    if (first <= last) out.push([first, last])
    if (a[i]![1] < b[j]![1]) i++
    else j++
  }
  return out
}

/** All characters that are not in the set. */
export function complement(ranges: readonly CharRange[]): CharRange[] {
  const out: CharRange[] = []
  let next = 0
  for (const [first, last] of normalRanges(ranges)) {
    if (first > next) out.push([next, first - 1])
    next = last + 1
  }
  if (next <= LAST) out.push([next, LAST])
  return normalRanges(out)
}
