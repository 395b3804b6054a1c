/** Token ids → text, one at a time, without ever giving out half a character. */
import { bytesOfAlphabet } from './byte-alphabet.ts'
import { byteOfToken, type TokenizerDefinition, TokenKind } from './definition.ts'

export interface StreamOptions {
  /** Control tokens give no text. True by default; otherwise they give their own name, such as `</s>`. */
  skipSpecial?: boolean | undefined
  /** Ids that came before. They give no text, but a leading space of what follows is then a real one. */
  after?: readonly number[] | undefined
}

const MARK = /\u2581/gu

/**
 * Decodes as it goes. All pushes and the flush joined are the text of one call of `decode`, which is made of them.
 * Invalid bytes become U+FFFD: one for each byte in a SentencePiece vocabulary, as SentencePiece does; one for each
 * maximal invalid part in a byte-level one, as the WHATWG decoder and Rust do.
 */
export class TextStream {
  readonly #definition: TokenizerDefinition
  readonly #check: (id: number) => void
  readonly #skipSpecial: boolean
  readonly #bytes = new TextDecoder('utf-8', { ignoreBOM: true })
  /** Bytes of a character that is not complete yet. */
  #pending: number[] = []
  #prefixDone: boolean

  /** @internal `Tokenizer.stream` makes them. */
  constructor(definition: TokenizerDefinition, check: (id: number) => void, options: StreamOptions) {
    this.#definition = definition
    this.#check = check
    this.#skipSpecial = options.skipSpecial ?? true
    this.#prefixDone = !definition.stripPrefix
    for (const id of options.after ?? []) this.push(id)
  }

  /** A token that comes now begins the text: the space before its word is left out. */
  get begins(): boolean {
    return !this.#prefixDone && this.#pending.length === 0
  }

  /** The text that became certain with this token; often empty while a character is incomplete. */
  push(id: number): string {
    this.#check(id)
    return this.#definition.alphabet === 'bytes' ? this.#pushBytes(id) : this.#pushPiece(id)
  }

  /** The rest: U+FFFD for bytes whose character never became complete. The stream can then begin a new text. */
  flush(): string {
    const rest = this.#definition.alphabet === 'bytes' ? this.#bytes.decode() : this.#drain(true)
    this.#prefixDone = !this.#definition.stripPrefix
    return rest
  }

  #pushBytes(id: number): string {
    const kind = this.#definition.kinds[id]
    if (kind !== TokenKind.control && kind !== TokenKind.unknown) {
      return this.#bytes.decode(tokenBytes(this.#definition, id), { stream: true })
    }
    return this.#skipSpecial ? '' : this.#bytes.decode() + (this.#definition.tokens[id] ?? '')
  }

  #pushPiece(id: number): string {
    const { kinds, tokens, unkText, collapseSpaces } = this.#definition
    const token = tokens[id] ?? ''
    const kind = kinds[id]
    if (kind === TokenKind.byte) {
      this.#pending.push(byteOfToken(token) as number)
      return this.#emitted(this.#drain(false))
    }
    const before = this.#emitted(this.#drain(true))
    if (kind === TokenKind.control) return before + this.#emitted(this.#skipSpecial ? '' : token)
    if (kind === TokenKind.unknown) {
      return before + this.#emitted(unkText === '' && !this.#skipSpecial ? token : unkText)
    }
    let text = token.replace(MARK, ' ')
    if (!this.#prefixDone && text.startsWith(' ')) {
      text = text.slice(1)
      // SentencePiece drops spaces until there is text when it was told to remove extra ones.
      this.#prefixDone = !collapseSpaces
    }
    return before + this.#emitted(text)
  }

  #emitted(text: string): string {
    if (text !== '') this.#prefixDone = true
    return text
  }

  /** Takes complete characters, and bytes that can no longer become one, from the front; with `all` every byte. */
  #drain(all: boolean): string {
    const pending = this.#pending
    let text = ''
    let at = 0
    while (at < pending.length) {
      const length = sequenceLength(pending[at] as number)
      let have = 1
      while (have < length && at + have < pending.length && isTrail(pending[at + have] as number)) have++
      if (have < length && at + have === pending.length && !all) break
      const code = have === length ? codePoint(pending, at, length) : undefined
      text += code === undefined ? '\ufffd' : String.fromCodePoint(code)
      at += code === undefined ? 1 : length
    }
    this.#pending = pending.slice(at)
    return text
  }
}

/** Bytes of the UTF-8 sequence that begins so; 1 for ASCII and for bytes that begin none. */
function sequenceLength(byte: number): number {
  if ((byte & 0xe0) === 0xc0) return 2
  if ((byte & 0xf0) === 0xe0) return 3
  return (byte & 0xf8) === 0xf0 ? 4 : 1
}

function isTrail(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

const SMALLEST = [0, 0, 0x80, 0x800, 0x10000]

/** The code point of a sequence whose trail bytes are checked; undefined when it is overlong, a surrogate, too large. */
function codePoint(bytes: readonly number[], at: number, length: number): number | undefined {
  const lead = bytes[at] as number
  if (length === 1) return lead < 0x80 ? lead : undefined
  let code = lead & (0x7f >> length)
  for (let i = 1; i < length; i++) code = (code << 6) | ((bytes[at + i] as number) & 0x3f)
  if (code < (SMALLEST[length] as number) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
  return code
}

/**
 * The bytes that a token adds to the text: none for control tokens. `begins`: where the text begins, without the space
 * before a word.
 */
export function tokenBytes(definition: TokenizerDefinition, id: number, begins = false): Uint8Array<ArrayBuffer> {
  const token = definition.tokens[id] ?? ''
  switch (definition.kinds[id]) {
    case TokenKind.control:
      return new Uint8Array()
    case TokenKind.unknown:
      return new TextEncoder().encode(definition.unkText)
    case TokenKind.byte:
      return Uint8Array.of(byteOfToken(token) as number)
    case TokenKind.userDefined:
      if (definition.alphabet === 'bytes') return new TextEncoder().encode(token)
  }
  if (definition.alphabet === 'bytes') return bytesOfAlphabet(token)
  const text = token.replace(MARK, ' ')
  return new TextEncoder().encode(begins && definition.stripPrefix && text.startsWith(' ') ? text.slice(1) : text)
}
