/** Reads the version of Mistral's chat format in tokenizer files, beside their vocabulary. */

/** `v2` of `tokenizer.model.v2`, `v7` of `mistral_instruct_tokenizer_241114.model.v7m1`. */
export function formatHintOfName(name: string): string | undefined {
  return /\.model\.(v\d+)(?:m\d*)?$/.exec(name)?.[1]
}

/** A piece of tekken's own pattern for words. */
const TEKKEN_WORDS = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'

/** The names that mistral-common gives to tekken files that state none, and transformers with it, by id. */
const UNSTATED_NAMES: Readonly<Record<number, string>> = {
  17: '[SYSTEM_PROMPT]',
  19: '[TOOL_CONTENT]',
  20: '<SPECIAL_20>',
}

/**
 * Tekken files of v3 state no names for their control tokens; transformers 5 gives them those of v7, and converts the
 * file's pattern for words. Conversions of v7 by earlier versions, which all its published copies are, have the same names
 * with another pattern. So both together are v3. Where a vocabulary leaves no choice this is not asked.
 */
export function formatHintOfJson(tokenizerJson: unknown): string | undefined {
  const { pre_tokenizer: steps, added_tokens: added } = (tokenizerJson ?? {}) as Record<string, unknown>
  const ownWords = JSON.stringify(steps ?? null).includes(JSON.stringify(TEKKEN_WORDS).slice(1, -1))
  if (!ownWords || !Array.isArray(added)) return undefined
  const names = new Map(added.map((token: { id?: unknown; content?: unknown } | null) => [token?.id, token?.content]))
  return Object.entries(UNSTATED_NAMES).every(([id, name]) => names.get(Number(id)) === name) ? 'v3' : undefined
}

/** Longer than what stands before the vocabulary of any published `tekken.json`. */
export const TEKKEN_HEAD_BYTES = 1 << 14

/** The version that a `tekken.json` states, from the beginning of the file. */
export function formatHintOfTekken(head: string): string | undefined {
  const config = head.slice(0, head.indexOf('"vocab"'))
  return /"version"\s*:\s*"(v\d+)"/.exec(config)?.[1]
}
