/** Which tokens of a GGUF have a role and which end an answer, decided as llama.cpp decides it. */
import { show } from '../errors/show.ts'
import { TokenizerError } from '../errors.ts'
import { TokenKind } from './definition.ts'

export type GgufMetadata = ReadonlyMap<string, unknown>

/** Tokens that end an answer by their name. Some files forget to mark them as control tokens. */
const ENDS: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<\uff5cend\u2581of\u2581sentence\uff5c>',
  '[e~[',
])

/** Tokens of code models that end an answer, by the key that names them, or by their names where it is missing. */
const INFILL_ENDS: Readonly<Record<string, readonly string[]>> = {
  fim_pad: ['<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]'],
  fim_rep: ['<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>', '<reponame>'],
  fim_sep: ['<|file_sep|>'],
}

export interface GgufRoles {
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly unkId: number | undefined
  readonly padId: number | undefined
  readonly endIds: readonly number[]
  readonly notes: readonly string[]
}

/** The ids that llama.cpp takes for roles of which a file says nothing. */
export interface DefaultIds {
  readonly bos: number | undefined
  readonly eos: number | undefined
  readonly unk: number | undefined
}

/**
 * The roles of tokens. Tokens that have one by a key or by their name become control tokens in `kinds`.
 * @throws TokenizerError when a key names an id that does not exist
 */
export function readRoles(
  metadata: GgufMetadata,
  tokens: readonly string[],
  kinds: Uint8Array,
  defaults: DefaultIds,
): GgufRoles {
  const keyed = (name: string) => tokenId(metadata, name, tokens.length)
  const orDefault = (id: number | undefined) => (id !== undefined && id < tokens.length ? id : undefined)
  const roles = { bos: keyed('bos'), eos: keyed('eos'), eot: keyed('eot'), eom: keyed('eom') }
  const ends = new Set<number>()
  const sought = new Set(ENDS)
  for (const [key, names] of Object.entries(INFILL_ENDS)) {
    const id = keyed(key)
    if (id !== undefined) ends.add(id)
    else for (const name of names) sought.add(name)
  }
  tokens.forEach((token, id) => {
    if (sought.has(token)) ends.add(id)
  })
  for (const id of [roles.eos, roles.eot, roles.eom]) if (id !== undefined) ends.add(id)
  for (const id of [roles.bos, ...ends]) if (id !== undefined) kinds[id] = TokenKind.control
  const eosId = roles.eos ?? orDefault(defaults.eos)
  if (eosId !== undefined) ends.add(eosId)
  keepOpen(tokens, ends)
  const unkId = kinds[defaults.unk ?? -1] === TokenKind.normal ? undefined : orDefault(defaults.unk)
  return {
    bosId: roles.bos ?? orDefault(defaults.bos),
    eosId,
    unkId: keyed('unknown') ?? unkId,
    padId: keyed('padding'),
    endIds: [...ends].sort((a, b) => a - b),
    notes:
      roles.eos !== undefined || eosId === undefined
        ? []
        : [`tokenizer.ggml.eos_token_id is missing: token ${eosId} ("${tokens[eosId]}") ends answers, as in llama.cpp`],
  }
}

/** Takes out tokens that end only a part of an answer in the vocabularies that have certain others. */
function keepOpen(tokens: readonly string[], ends: Set<number>): void {
  const idOf = (name: string) => [...ends].find((id) => tokens[id] === name)
  const has = (...names: string[]) => names.some((name) => idOf(name) !== undefined)
  const end = idOf('<|end|>')
  if (end !== undefined && has('<|call|>', '<|calls|>') && has('<|return|>', '<|flush|>')) ends.delete(end)
  const eos = idOf('</s>')
  if (eos !== undefined && has('<|tool_response>')) ends.delete(eos)
}

/** Absent ids are stored as −1, which reads as 2^32 − 1. */
function tokenId(metadata: GgufMetadata, name: string, count: number): number | undefined {
  const key = `tokenizer.ggml.${name}_token_id`
  const value = metadata.get(key)
  if (value === undefined) return undefined
  const id = Number(value)
  if (id === 0xffffffff || id === -1) return undefined
  if (!Number.isInteger(id) || id < 0 || id >= count) {
    throw new TokenizerError(`${key} is ${show(value)}; the vocabulary has ${count} tokens`)
  }
  return id
}
