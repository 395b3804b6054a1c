/** Prompt lookup decoding: the next tokens are guessed from an earlier occurrence of the last ones. */

/** Longest n-gram that is looked up, then shorter ones: as in Hugging Face `PromptLookupCandidateGenerator`. */
const MAX_NGRAM = 3

/**
 * Guesses how a growing list of tokens goes on: with what followed an earlier occurrence of their last n-gram, the longest
 * first (prompt lookup decoding, A. Saxena 2023). Of several occurrences the latest that `most` tokens follow, else the
 * one that most tokens follow.
 */
export class PromptLookup {
  /** Where each token stands, in ascending order: an n-gram is looked for at the places of its last token. */
  private readonly places = new Map<number, number[]>()
  private known = 0

  /** @param tokens may grow at its end between guesses */
  constructor(private readonly tokens: readonly number[]) {}

  /** At most `most` ids; none when the n-gram is new. */
  guess(most: number): number[] {
    const { tokens } = this
    const last = tokens.length - 1
    for (; this.known < last; this.known++) this.note(tokens[this.known]!, this.known)
    const places = this.places.get(tokens[last]!)
    if (places === undefined) return []
    for (let n = Math.min(MAX_NGRAM, last); n > 0 && most > 0; n--) {
      const end = this.find(places, n, most)
      if (end !== undefined) return tokens.slice(end + 1, end + 1 + most)
    }
    return []
  }

  private note(id: number, place: number): void {
    const places = this.places.get(id)
    if (places === undefined) this.places.set(id, [place])
    else places.push(place)
  }

  /** The last position of the occurrence to go on from. */
  private find(places: readonly number[], n: number, most: number): number | undefined {
    const { tokens } = this
    const last = tokens.length - 1
    let best: number | undefined
    for (let i = places.length - 1; i >= 0; i--) {
      const end = places[i]!
      let same = 1
      while (same < n && end >= same && tokens[end - same] === tokens[last - same]) same++
      if (same < n) continue
      best = end
      if (last - end >= most) break
    }
    return best
  }
}
