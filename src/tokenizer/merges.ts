/** Merges of two tokens by their ranks, as files list them: kept as they are read, and looked up when a text needs them. */

/** The lowest rank is joined first. */
export interface Merges {
  /** Stands between the two tokens of a merge, and in no token of one. */
  readonly separator: string
  /** Ranks by the left token, the separator and the right one; in the order of the ranks, but for merges that are listed twice. */
  readonly ranks: ReadonlyMap<string, number>
}

export type Pair = readonly [left: string, right: string]

export const NO_MERGES: Merges = { separator: ' ', ranks: new Map() }

/**
 * A list of merges. Most files write a space between two tokens, and then the line is taken as it is: to cut hundreds of thousands takes
 * longer than to read them.
 * @param duplicate which of two equal merges decides
 */
export function mergesOf(listed: readonly (string | Pair)[], duplicate: 'first' | 'last'): Merges {
  const ranks = new Map<string, number>()
  for (const [rank, merge] of listed.entries()) {
    const line = typeof merge === 'string' ? merge : `${merge[0]} ${merge[1]}`
    const cut = line.indexOf(' ')
    // A token with a space in it: then something else stands between the tokens of all.
    if (cut < 0 || line.includes(' ', cut + 1)) return withSeparator(listed, duplicate)
    if (duplicate === 'last' || !ranks.has(line)) ranks.set(line, rank)
  }
  return { separator: ' ', ranks }
}

function withSeparator(listed: readonly (string | Pair)[], duplicate: 'first' | 'last'): Merges {
  const pairs = listed.map((merge) => (typeof merge === 'string' ? cutAtSpace(merge) : merge))
  let separator = '\0'
  while (pairs.some(([left, right]) => left.includes(separator) || right.includes(separator))) separator += '\0'
  const ranks = new Map<string, number>()
  for (const [rank, [left, right]] of pairs.entries()) {
    const line = left + separator + right
    if (duplicate === 'last' || !ranks.has(line)) ranks.set(line, rank)
  }
  return { separator, ranks }
}

/** The first space that is not the first character of all: llama.cpp cuts there. */
function cutAtSpace(line: string): Pair {
  const cut = line.indexOf(' ', 1)
  return [line.slice(0, cut), line.slice(cut + 1)]
}

/** The two tokens of each merge, by their ranks. */
export function pairsOf({ separator, ranks }: Merges): Pair[] {
  return [...ranks]
    .sort(([, a], [, b]) => a - b)
    .map(([line]) => {
      const cut = line.indexOf(separator)
      return [line.slice(0, cut), line.slice(cut + separator.length)]
    })
}
