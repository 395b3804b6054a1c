/** How a `tekken.json` is told from a `tokenizer.json`. */

/** Whether a parsed file is of Mistral's own form: a list of byte strings stands where a `tokenizer.json` has a model. */
export function isTekken(value: unknown): boolean {
  const file = value as { model?: unknown; vocab?: unknown; config?: unknown } | null
  return typeof file === 'object' && file !== null && file.model === undefined && Array.isArray(file.vocab)
}
