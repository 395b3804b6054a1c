/** Plain text → ids with `@huggingface/tokenizers`; everything that is not BPE of plain text is decided here. */
import { BPE, Tokenizer as HfTokenizer } from '@huggingface/tokenizers'
import { TokenizerError } from '../errors.ts'
import { type TokenizerDefinition, TokenKind } from './definition.ts'

/** Where a stretch of text stands: at the very start, or after a control token. */
export type Place = 'start' | 'after-control'

const MARK = '\u2581'

export class TextEncoderEngine {
  readonly #definition: TokenizerDefinition
  readonly #library: HfTokenizer
  /** Strings that are always one token: SentencePiece's user-defined pieces, tokenizer.json's ordinary added tokens. */
  readonly #userDefined: ReadonlyMap<string, number>
  readonly #userDefinedPattern: RegExp | undefined
  /** Words may be encoded one by one, because no piece goes from one word into the next. */
  readonly #wordByWord: boolean

  constructor(definition: TokenizerDefinition) {
    this.#definition = definition
    try {
      this.#library = new HfTokenizer(definition.engine, {})
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new TokenizerError(`the tokenizer cannot be set up: ${reason}`, { cause: error })
    }
    if (definition.ranks !== undefined) {
      // SentencePiece orders merges by the joined piece alone and takes the leftmost of equals. Ranks per pair, all
      // different, cannot say that; the library breaks ties to the left, so equal ranks do.
      if (!(this.#library.model instanceof BPE)) throw new TokenizerError('the engine made no BPE model')
      this.#library.model.bpe_ranks = definition.ranks
    }
    this.#userDefined = userDefinedTokens(definition)
    this.#userDefinedPattern = anyOf([...this.#userDefined.keys()])
    this.#wordByWord = definition.alphabet === 'pieces' && (definition.splitWords || !crossesWords(definition))
  }

  /** Ids of a stretch of text that holds no control tokens. */
  encode(text: string, place: Place): number[] {
    const wellFormed = text.replace(/\p{Surrogate}/gu, '\ufffd')
    const ids: number[] = []
    if (this.#definition.alphabet === 'bytes') {
      this.#split(wellFormed, ids, (part) => this.#encodePlain(part, ids))
    } else if (this.#definition.ranks !== undefined) {
      // SentencePiece looks for its user-defined pieces in the marked text, so only the whole gets a prefix.
      const marked = this.#mark(wellFormed, place)
      this.#split(marked, ids, (part) => this.#encodeMarked(part, ids))
    } else {
      this.#split(wellFormed, ids, (part, offset) => {
        this.#encodeMarked(this.#mark(part, offset === 0 ? place : 'after-control'), ids)
      })
    }
    return ids
  }

  /** Spaces become `▁`, and the prefix is put before. */
  #mark(text: string, place: Place): string {
    const { prefix, collapseSpaces } = this.#definition
    const spaced = collapseSpaces ? text.replace(/ +/g, ' ').replace(/^ /, '') : text
    if (spaced === '') return ''
    const marked = spaced.replaceAll(' ', MARK)
    const prefixed = needsPrefix(prefix, marked, place) ? MARK + marked : marked
    return collapseSpaces ? withoutMarksAtEnd(prefixed) : prefixed
  }

  /** Calls `each` for the text between user-defined tokens, whose ids it appends itself. */
  #split(text: string, ids: number[], each: (part: string, offset: number) => void): void {
    let from = 0
    if (this.#userDefinedPattern !== undefined) {
      for (const match of text.matchAll(this.#userDefinedPattern)) {
        if (match.index > from) each(text.slice(from, match.index), from)
        ids.push(this.#userDefined.get(match[0]) as number)
        from = match.index + match[0].length
      }
    }
    if (from < text.length) each(text.slice(from), from)
  }

  #encodeMarked(text: string, ids: number[]): void {
    if (!this.#wordByWord) {
      this.#encodePlain(text, ids)
      return
    }
    // A run of ▁ belongs to the word after it, unless the pre-tokenizer says that each ▁ begins one.
    const words = this.#definition.splitWords ? /\u2581?[^\u2581]+|\u2581/gu : /\u2581*[^\u2581]+|\u2581+/gu
    for (const [word] of text.matchAll(words)) this.#encodePlain(word, ids)
  }

  #encodePlain(text: string, ids: number[]): void {
    for (const id of this.#library.encode(text, { add_special_tokens: false }).ids) {
      // Without an unknown token the library drops characters that the vocabulary lacks; an id is never undefined then.
      if (id !== undefined) ids.push(id)
    }
  }
}

/** SentencePiece trims the end after marking, so that a typed `▁` goes as well. */
function withoutMarksAtEnd(marked: string): string {
  let end = marked.length
  while (end > 0 && marked[end - 1] === MARK) end--
  return marked.slice(0, end)
}

function needsPrefix(prefix: TokenizerDefinition['prefix'], marked: string, place: Place): boolean {
  switch (prefix) {
    case 'sentencepiece':
      return place === 'start' || !marked.startsWith(MARK)
    case 'prepend':
      return true
    case 'first':
      return place === 'start' && !marked.startsWith(MARK)
    case 'always':
      return !marked.startsWith(MARK)
    case 'never':
      return false
  }
}

function userDefinedTokens(definition: TokenizerDefinition): Map<string, number> {
  const found = new Map<string, number>()
  for (const [id, token] of definition.tokens.entries()) {
    if (token !== undefined && token !== '' && definition.kinds[id] === TokenKind.userDefined) found.set(token, id)
  }
  return found
}

/** Some piece holds `▁` after another character, so that words cannot be encoded apart. */
function crossesWords(definition: TokenizerDefinition): boolean {
  return definition.tokens.some(
    (token, id) => token !== undefined && definition.kinds[id] === TokenKind.normal && /[^\u2581]\u2581/u.test(token),
  )
}

/** Characters of all control or user-defined tokens together. Tekken's thousand have 15,000. */
const MAX_NAMES_LENGTH = 1 << 18

/** A pattern that finds any of the strings, the longest of those that begin at one place. Throws TokenizerError. */
export function anyOf(strings: readonly string[]): RegExp | undefined {
  if (strings.length === 0) return undefined
  const length = strings.reduce((sum, text) => sum + text.length, 0)
  if (length > MAX_NAMES_LENGTH) {
    throw new TokenizerError(`the special tokens have ${length} characters together, the limit is ${MAX_NAMES_LENGTH}`)
  }
  const longestFirst = [...strings].sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((s) => s.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu')
}
