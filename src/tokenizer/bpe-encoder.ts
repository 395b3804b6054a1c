/** Plain text → ids with `@huggingface/tokenizers`; everything that is not BPE of plain text is decided here. */
import { BPE, Tokenizer as HfTokenizer } from '@huggingface/tokenizers'
import { messageOf, TokenizerError } from '../errors.ts'
import { type AddedToken, AddedTokenSearch, anyOf, NO_FLAGS, type Place } from './added-tokens.ts'
import { type TokenizerDefinition, TokenKind, withoutTables } from './definition.ts'
import { Merger } from './merger.ts'

/** The searches for added tokens: those for the text as it stands come first, those for normalized text second. */
interface Searches {
  readonly plain: AddedTokenSearch
  readonly normalized: AddedTokenSearch
}

const MARK = '\u2581'

export class BpeEncoder {
  readonly #definition: TokenizerDefinition
  readonly #library: HfTokenizer
  /** All added tokens, control tokens among them: for what a template wrote. */
  readonly #inTemplates: Searches
  /** Added tokens that steer nothing: for any text. */
  readonly #inText: Searches
  /** SentencePiece's user-defined pieces, which are always one token; it looks for them after marking spaces. */
  readonly #pieces: ReadonlyMap<string, number>
  readonly #piecePattern: RegExp | undefined
  /** Words may be encoded one by one, because no piece goes from one word into the next. */
  readonly #wordByWord: boolean

  constructor(definition: TokenizerDefinition) {
    this.#definition = withoutTables(definition)
    const { model } = definition.encoder
    try {
      this.#library = new HfTokenizer({ ...definition.encoder, model: { ...model, vocab: {}, merges: [] } }, {})
      // An expression that is too large is found out when it is first used.
      this.#library.pre_tokenizer?.pre_tokenize(' a')
    } catch (error) {
      throw new TokenizerError(`the tokenizer cannot be set up: ${messageOf(error)}`, { cause: error })
    }
    // The library's own merging takes ten times as long for words that it has not seen as for those that it has, so that
    // what is no language would take ten times as long as English.
    if (!(this.#library.model instanceof BPE)) throw new TokenizerError('the encoder made no BPE model')
    const merger = new Merger(definition.joins ?? model.merges)
    this.#library.model.bpe = (word) => [...merger.split(word)]
    // It would make its own map of an object, and a list of names that only decoding needs. It only reads this one.
    this.#library.model.tokens_to_ids = model.vocab as Map<string, number>
    const unkId = model.unk_token === null ? undefined : model.vocab.get(model.unk_token)
    if (unkId !== undefined) this.#library.model.unk_token_id = unkId
    const added = [...definition.added, ...otherControlTokens(definition)]
    this.#inTemplates = this.#searches(added)
    this.#inText = this.#searches(added.filter((token) => !token.control))
    this.#pieces = userDefinedPieces(definition)
    this.#piecePattern = anyOf([...this.#pieces.keys()])
    this.#wordByWord = definition.alphabet === 'pieces' && (definition.splitWords || !crossesWords(definition))
  }

  #searches(added: readonly AddedToken[]): Searches {
    const { addedOrder } = this.#definition
    const spell = (content: string) => this.#normalize(content)
    return {
      plain: new AddedTokenSearch(
        added.filter((token) => !token.normalized),
        addedOrder,
      ),
      normalized: new AddedTokenSearch(
        added.filter((token) => token.normalized),
        addedOrder,
        spell,
      ),
    }
  }

  /**
   * Ids of a stretch of text.
   * @param breaks given for what a template wrote: control tokens are looked for then, except where they would cover one
   *   of these places, which are sorted. Without it no text becomes a control token.
   */
  encode(text: string, place: Place, breaks?: readonly number[]): number[] {
    const wellFormed = text.replace(/\p{Surrogate}/gu, '\ufffd')
    const searches = breaks === undefined ? this.#inText : this.#inTemplates
    const ids: number[] = []
    let after: Place = 'after-control'
    for (const part of searches.plain.split(wellFormed, breaks ?? [])) {
      if ('token' in part) {
        ids.push(part.token.id)
        after = part.token.next
        continue
      }
      const at = part.from === 0 ? place : after
      if (searches.normalized.isEmpty) this.#encodeText(part.text, at, ids)
      else this.#encodeStretch(part, at, searches.normalized, breaks ?? [], ids)
    }
    return ids
  }

  /** Ids of a part that holds no added tokens other than normalized ones. */
  #encodeStretch(
    { text, from }: { text: string; from: number },
    place: Place,
    search: AddedTokenSearch,
    breaks: readonly number[],
    ids: number[],
  ): void {
    const normal = this.#normalize(text)
    // Where control tokens may be normalized, only a prefix changes the length.
    const offset = from - (normal.length - text.length)
    let after: Place = 'after-control'
    for (const part of search.split(normal, breaks, offset)) {
      if ('token' in part) {
        ids.push(part.token.id)
        after = part.token.next
      } else if (this.#definition.marksFirst) this.#encodeMarked(part.text, ids)
      else this.#encodeText(part.text, part.from === 0 ? place : after, ids)
    }
  }

  /** The form of a text in which normalized added tokens are looked for. */
  #normalize(text: string): string {
    const { alphabet, marksFirst, prefix, joins } = this.#definition
    if (alphabet === 'bytes') return this.#library.normalizer?.normalize(text) ?? text
    if (joins !== undefined) return text.replaceAll(MARK, ' ')
    if (!marksFirst || text === '') return text
    return (prefix === 'prepend' ? MARK : '') + text.replaceAll(' ', MARK)
  }

  /** Ids of text without added tokens. */
  #encodeText(text: string, place: Place, ids: number[]): void {
    if (this.#definition.alphabet === 'bytes') this.#encodePlain(text, ids)
    else this.#splitPieces(this.#mark(text, place), ids)
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

  /** Encodes marked text between user-defined pieces. SentencePiece finds those in it, so only the whole got a prefix. */
  #splitPieces(marked: string, ids: number[]): void {
    let from = 0
    for (const match of this.#piecePattern === undefined ? [] : marked.matchAll(this.#piecePattern)) {
      if (match.index > from) this.#encodeMarked(marked.slice(from, match.index), ids)
      ids.push(this.#pieces.get(match[0]) as number)
      from = match.index + match[0].length
    }
    if (from < marked.length) this.#encodeMarked(marked.slice(from), ids)
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
      return place === 'start' || (place === 'after-control' && !marked.startsWith(MARK))
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

/** Control tokens, and the unknown one, of which the file says nothing but that they are there. */
function otherControlTokens({ added, tokens, kinds }: TokenizerDefinition): AddedToken[] {
  const known = new Set(added.map(({ id }) => id))
  const others: AddedToken[] = []
  tokens.forEach((content, id) => {
    const isControl = kinds[id] === TokenKind.control || kinds[id] === TokenKind.unknown
    if (content === undefined || !isControl || known.has(id)) return
    others.push({ ...NO_FLAGS, id, content, control: true, next: 'after-control' })
  })
  return others
}

function userDefinedPieces({ added, tokens, kinds }: TokenizerDefinition): Map<string, number> {
  const known = new Set(added.map(({ id }) => id))
  const found = new Map<string, number>()
  tokens.forEach((token, id) => {
    if (token && kinds[id] === TokenKind.userDefined && !known.has(id)) found.set(token, id)
  })
  return found
}

/** Some piece holds `▁` after another character, so that words cannot be encoded apart. */
function crossesWords(definition: TokenizerDefinition): boolean {
  return definition.tokens.some(
    (token, id) =>
      token !== undefined &&
      (definition.kinds[id] === TokenKind.normal || definition.kinds[id] === TokenKind.userDefined) &&
      /[^\u2581]\u2581/u.test(token),
  )
}
