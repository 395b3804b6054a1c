/**
 * The name that a misspelt one most likely means: the nearest by edit distance, where case, `_` and `-` do not count
 * (`topK`, `top-k`). undefined when nothing is within a third of the word's length.
 */
export function closestName(name: string, known: readonly string[]): string | undefined {
  // Long names come from hostile input, not from typing errors, and would make the distance slow.
  if (name.length > 64) return undefined
  const plain = bare(name)
  let best: string | undefined
  let bestDistance = Math.floor(plain.length / 3) + 1
  for (const candidate of known) {
    const distance = editDistance(plain, bare(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '')
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
