/** The vocabularies that mistral-common's prompts were made with. */

import { bytesOfAlphabet } from '../../src/tokenizer/byte-alphabet.ts'
import type { ChatFormat } from '../../src/tokenizer/chat-format.ts'
import { wordSplit } from '../../src/tokenizer/gguf-splits.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture, fixtureBytes } from './support.ts'

interface TokenizerJson {
  added_tokens: { id: number; content: string; special: boolean }[]
  model: { vocab: Record<string, number> }
}

interface TekkenFixture {
  /** As transformers converts a tekken.json. */
  tokenizer: TokenizerJson
  /** The names of the special tokens by version. */
  specials: Record<string, string[]>
  /** The beginnings of tekken.json by version. */
  heads: Record<string, string>
}

export const tekken = fixture<TekkenFixture>('tekken.json.gz')

/** The tokenizer.json of a version, for example `v13-think`. */
export function tekkenJson(name: string): TokenizerJson {
  const { tokenizer, specials } = tekken
  const names = specials[name]!
  const old = new Map(tokenizer.added_tokens.map(({ id, content }) => [content, names[id]!]))
  return {
    ...tokenizer,
    added_tokens: tokenizer.added_tokens.map((token) => ({ ...token, content: names[token.id]! })),
    model: {
      ...tokenizer.model,
      vocab: Object.fromEntries(
        Object.entries(tokenizer.model.vocab).map(([token, id]) => [old.get(token) ?? token, id]),
      ),
    },
  }
}

const UNNAMED: readonly string[] = ['v3', 'v7']
const byteOf = (character: string) => bytesOfAlphabet(character)[0]!

/** The tekken.json of a version, for example `v13-think`. */
export function tekkenFile(name: string): object {
  const { tokenizer, specials } = tekken
  const names = specials[name]!
  const version = name.split('-')[0]!
  const old = new Set(tokenizer.added_tokens.map(({ content }) => content))
  const words = Object.entries(tokenizer.model.vocab).filter(([token]) => !old.has(token))
  const vocab = words
    .sort(([, a], [, b]) => a - b)
    .map(([token], rank) => {
      const bytes = Buffer.from([...token].map(byteOf))
      return { rank, token_bytes: bytes.toString('base64'), token_str: null }
    })
  const config = {
    pattern: wordSplit('tekken')?.regexes[0],
    num_vocab_tokens: vocab.length,
    default_vocab_size: vocab.length + names.length,
    default_num_special_tokens: names.length,
    version,
  }
  const listed = names.filter(
    (content) => content !== `<SPECIAL_${names.indexOf(content)}>` || names.indexOf(content) < 32,
  )
  const special_tokens = listed.map((token_str, rank) => ({ rank, token_str, is_control: true }))
  return { config, vocab, ...(UNNAMED.includes(version) ? {} : { special_tokens }) }
}

const SPM: Record<string, string> = { v1: 'own-v1.model', v2: 'own-v3.model', v3: 'own-v3.model', v7: 'own-v7.model' }

const opened = new Map<string, Tokenizer>()

/** @param name such as `spm-v2` or `tekken-v13-think` */
export async function vocabulary(name: string): Promise<Tokenizer> {
  const known = opened.get(name) ?? (await open(name))
  opened.set(name, known)
  return known
}

async function open(name: string): Promise<Tokenizer> {
  const [kind, version, ...rest] = name.split('-') as [string, string, ...string[]]
  if (kind === 'tekken') return Tokenizer.fromJson(tekkenJson([version, ...rest].join('-')))
  return Tokenizer.fromSentencePiece(fixtureBytes(SPM[version]!), `tokenizer.model.${version}`)
}

export const versionOf = (name: string) => name.split('-')[1] as ChatFormat
