/** Longest n-gram that is looked up, then shorter ones: as in Hugging Face `PromptLookupCandidateGenerator`. */
const MAX_NGRAM = 3

/**
 * Guesses how the tokens go on: with what followed an earlier occurrence of their last n-gram, the longest first (prompt
 * lookup decoding, A. Saxena 2023). Of several occurrences the latest that `most` tokens follow, else the one that most
 * tokens follow. Returns at most `most` ids, none when the n-gram is new.
 */
export function lookUp(tokens: readonly number[], most: number): number[] {
  for (let n = Math.min(MAX_NGRAM, tokens.length - 1); n > 0 && most > 0; n--) {
    const last = tokens.length - n
    let best: number | undefined
    for (let start = last - 1; start >= 0; start--) {
      let same = 0
      while (same < n && tokens[start + same] === tokens[last + same]) same++
      if (same < n) continue
      best = start
      if (tokens.length - (start + n) >= most) break
    }
    if (best !== undefined) return tokens.slice(best + n, best + n + most)
  }
  return []
}
