/** A vocabulary as the metadata of a GGUF, for programs that read it there. */
import { type TokenizerDefinition, TokenKind } from './definition.ts'
import { splitName } from './gguf-splits.ts'
import type { Joins } from './merger.ts'
import { pairsOf } from './merges.ts'

/** A pair of metadata, in the types that vocabularies need. */
export type VocabularyPair =
  | { readonly key: string; readonly type: 'u32'; readonly value: number }
  | { readonly key: string; readonly type: 'bool'; readonly value: boolean }
  | { readonly key: string; readonly type: 'string'; readonly value: string }
  | { readonly key: string; readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly key: string; readonly type: 'i32s' | 'f32s'; readonly value: readonly number[] }

/**
 * `tokenizer.ggml.*` of a vocabulary. BOS and the ids that end an answer are the model's: its config names them.
 * @param rows of the model's embedding, for each of which llama.cpp wants a token
 */
export function ggufVocabulary(definition: TokenizerDefinition, rows: number): VocabularyPair[] {
  const { alphabet, addsBos, unkId, padId } = definition
  const ids = Array.from({ length: rows }, (_, id) => id)
  const kindOf = (id: number) =>
    definition.tokens[id] === undefined ? TokenKind.unused : (definition.kinds[id] ?? TokenKind.unused)
  const id = (name: string, value: number | undefined): VocabularyPair[] =>
    value === undefined || value >= rows ? [] : [{ key: key(`${name}_token_id`), type: 'u32', value }]
  return [
    { key: key('model'), type: 'string', value: alphabet === 'bytes' ? 'gpt2' : 'llama' },
    { key: key('tokens'), type: 'strings', value: ids.map((id) => definition.tokens[id] ?? `[PAD${id}]`) },
    { key: key('token_type'), type: 'i32s', value: ids.map(kindOf) },
    ...(alphabet === 'bytes' ? byteLevel(definition) : pieces(definition, ids)),
    ...id('unknown', unkId),
    ...id('padding', padId),
    { key: key('add_bos_token'), type: 'bool', value: addsBos },
    { key: key('add_eos_token'), type: 'bool', value: false },
  ]
}

function key(name: string): string {
  return `tokenizer.ggml.${name}`
}

/** Merges in their order. Where llama.cpp has no name for how words are split, it says so itself and takes its default. */
function byteLevel({ encoder, joins }: TokenizerDefinition): VocabularyPair[] {
  const byRank = joins === undefined ? pairsOf(encoder.model.merges) : pairsThatJoin(joins)
  const steps = (encoder.pre_tokenizer as { pretokenizers?: readonly Step[] } | null)?.pretokenizers ?? []
  const regexes = steps.filter(({ type }) => type === 'Split').map(({ pattern }) => pattern?.Regex ?? '')
  const pre = splitName(regexes, encoder.model.ignore_merges)
  return [
    { key: key('merges'), type: 'strings', value: byRank.map(([left, right]) => `${left} ${right}`) },
    ...(pre === undefined ? [] : [{ key: key('pre'), type: 'string', value: pre } as const]),
  ]
}

/** All pairs of tokens that make a token, by its rank. */
function pairsThatJoin(joins: Joins): [string, string][] {
  const merges: [string, string][] = []
  for (const [token] of [...joins].sort(([, a], [, b]) => a - b)) {
    for (let cut = 1; cut < token.length; cut++) {
      const [left, right] = [token.slice(0, cut), token.slice(cut)]
      if (joins.has(left) && joins.has(right)) merges.push([left, right])
    }
  }
  return merges
}

interface Step {
  readonly type: string
  readonly pattern?: { readonly Regex?: string }
}

/** The earlier a merge, the higher the score of what it makes: scores count by their order alone. */
function pieces(
  { tokens, encoder, joins, prefix, collapseSpaces }: TokenizerDefinition,
  ids: readonly number[],
): VocabularyPair[] {
  const scores = new Map<string, number>()
  const ranks = joins ?? pairsOf(encoder.model.merges).map(([left, right], rank) => [left + right, rank] as const)
  let none = -1
  for (const [token, rank] of ranks) {
    scores.set(token, Math.max(scores.get(token) ?? Number.NEGATIVE_INFINITY, -rank))
    none = Math.min(none, -rank - 1)
  }
  return [
    { key: key('scores'), type: 'f32s', value: ids.map((id) => scores.get(tokens[id] ?? '') ?? none) },
    { key: key('add_space_prefix'), type: 'bool', value: prefix !== 'never' },
    { key: key('remove_extra_whitespaces'), type: 'bool', value: collapseSpaces },
  ]
}
