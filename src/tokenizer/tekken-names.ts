/** The special tokens of a `tekken.json`, and whether it is that of the model beside it. It is loaded with such files alone. */

/** The special tokens of files that name none, by id. */
export const UNNAMED: readonly string[] = [
  '<unk>',
  '<s>',
  '</s>',
  '[INST]',
  '[/INST]',
  '[AVAILABLE_TOOLS]',
  '[/AVAILABLE_TOOLS]',
  '[TOOL_RESULTS]',
  '[/TOOL_RESULTS]',
  '[TOOL_CALLS]',
  '[IMG]',
  '<pad>',
  '[IMG_BREAK]',
  '[IMG_END]',
  '[PREFIX]',
  '[MIDDLE]',
  '[SUFFIX]',
  '[SYSTEM_PROMPT]',
  '[/SYSTEM_PROMPT]',
  '[TOOL_CONTENT]',
]

/** The name that mistral-common gives to ids without one, and transformers with it. */
const FILLER = /^<SPECIAL_\d+>$/

/** A token that `tokenizer_config.json` lists, or gives the role of BOS or EOS, and that a `tekken.json` does not have. */
export function lackingToken(tekken: unknown, config: unknown): string | undefined {
  const { special_tokens: specials } = (tekken ?? {}) as { special_tokens?: unknown }
  const listed = Array.isArray(specials)
    ? specials.map((token: { token_str?: unknown } | null) => token?.token_str)
    : UNNAMED
  const known = new Set<unknown>(listed)
  const { added_tokens_decoder: decoder, bos_token, eos_token } = (config ?? {}) as Readonly<Record<string, unknown>>
  const added = typeof decoder === 'object' && decoder !== null ? Object.values(decoder) : []
  const names = [...added, bos_token, eos_token].map(contentOf)
  return names.find((name) => name !== undefined && name !== '' && !known.has(name) && !FILLER.test(name))
}

function contentOf(token: unknown): string | undefined {
  const content = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token
  return typeof content === 'string' ? content : undefined
}
