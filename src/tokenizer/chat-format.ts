/** Mistral's own chat formats by name, and which of them a vocabulary was made for. */
import type { Tokenizer } from './tokenizer.ts'

/** A version of Mistral's chat format. Each is that of the tokenizer of the same version. */
export type ChatFormat = 'v1' | 'v2' | 'v3' | 'v7' | 'v11' | 'v13' | 'v15'

export const CHAT_FORMATS: readonly ChatFormat[] = ['v1', 'v2', 'v3', 'v7', 'v11', 'v13', 'v15']

export function isChatFormat(value: unknown): value is ChatFormat {
  return CHAT_FORMATS.some((format) => format === value)
}

/**
 * The formats that a vocabulary can be of, told by its control tokens and, where these leave a choice, by what its file
 * says of itself. More than one is left only of v11 and v13, which differ in calls of tools alone.
 */
export function formatsOf(tokenizer: Tokenizer): readonly ChatFormat[] {
  const possible = byControls(tokenizer)
  const hinted = possible.filter((format) => format === tokenizer.formatHint)
  if (hinted.length > 0) return hinted
  return possible[0] === 'v11' ? possible : possible.slice(0, 1)
}

/** The likeliest first. */
function byControls({ specialTokens, alphabet }: Tokenizer): readonly ChatFormat[] {
  const has = (...names: string[]) => names.every((name) => specialTokens.has(name))
  if (!has('[INST]', '[/INST]')) return ['v1']
  if (has('[MODEL_SETTINGS]', '[/MODEL_SETTINGS]')) return ['v15']
  if (has('[ARGS]')) return ['v11', 'v13']
  // Nothing in a file tells v2 from v3 but its name, and few are of v2.
  if (!has('[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]')) return ['v3', 'v2']
  // mistral-common gives tekken files of v3 the names that came with v7.
  return alphabet === 'pieces' ? ['v7'] : ['v7', 'v3']
}
