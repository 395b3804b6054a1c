/** Reads the arguments of a call while the model writes them. */
import { isJsonSpace, JsonScanner } from './json-scanner.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/**
 * Gives out the characters of `"arguments"`: a JSON object as it stands, or the JSON text of one that a string holds. What
 * begins no object is an error at once, so that nothing of it is given out.
 */
export class ArgumentsReader {
  readonly #outer = new JsonScanner()
  /** What the string holds must be JSON itself. */
  readonly #inner = new JsonScanner()
  #decoder: JsonStringDecoder | undefined
  #begun = false
  #hasText = false
  #ready = ''

  /** As {@link JsonScanner}'s: `error`, too, where the value is no object and no string that holds one. */
  push(char: string): 'more' | 'end' | 'after' | 'error' {
    const step = this.#outer.push(char)
    if (step === 'error' || step === 'after') return step
    if (!this.#begun) {
      if (isJsonSpace(char)) return step
      this.#begun = true
      if (char === '"') {
        this.#decoder = new JsonStringDecoder()
        return step
      }
      if (char !== '{') return 'error'
    }
    if (this.#decoder === undefined) {
      this.#ready += char
      return step
    }
    const text = step === 'end' ? this.#decoder.flush() : this.#decoder.push(char)
    if (!this.#takes(text)) return 'error'
    if (step !== 'end' || this.#inner.complete) return step
    if (this.#hasText) return 'error'
    // A function without parameters: some models write an empty string.
    this.#ready += '{}'
    return step
  }

  take(): string {
    const text = this.#ready
    this.#ready = ''
    return text
  }

  #takes(text: string): boolean {
    for (const char of text.split('')) {
      if (!this.#hasText && isJsonSpace(char)) continue
      if (!this.#hasText && char !== '{') return false
      this.#hasText = true
      const step = this.#inner.push(char)
      if (step === 'error' || (step === 'after' && !isJsonSpace(char))) return false
      this.#ready += char
    }
    return true
  }
}

/** The characters between the quotes of a JSON string, unescaped as they come. A surrogate waits for its partner. */
class JsonStringDecoder {
  #escape = ''
  #high = ''

  /** The text that became certain. The characters must be ones that {@link JsonScanner} lets pass, without the quotes. */
  push(char: string): string {
    if (this.#escape === '') {
      if (char !== '\\') return this.#unit(char)
      this.#escape = char
      return ''
    }
    this.#escape += char
    if (this.#escape[1] === 'u' && this.#escape.length < 6) return ''
    const unit = JSON.parse(`"${this.#escape}"`) as string
    this.#escape = ''
    return this.#unit(unit)
  }

  /** A surrogate without a partner. */
  flush(): string {
    const rest = this.#high
    this.#high = ''
    return rest
  }

  #unit(unit: string): string {
    const before = this.#high
    const isHigh = unit >= '\ud800' && unit <= '\udbff'
    this.#high = isHigh ? unit : ''
    return isHigh ? before : before + unit
  }
}

/** An id as Mistral's formats ask for: 9 letters or digits. */
export function randomCallId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(36))
  // Bytes of 248 and more would make some letters likelier; that fewer than 9 of 36 remain does not happen (10⁻³⁹).
  const letters = Array.from(
    bytes.filter((byte) => byte < 248),
    (byte) => LETTERS[byte % 62] as string,
  )
  return letters.join('').slice(0, 9)
}
