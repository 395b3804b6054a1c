/** The terminals of grammars, one for each text however often it comes up, so that what is known of them is shared. */
import type { Budget } from './budget.ts'
import type { Text } from './expression.ts'
import { JsonStringLexer } from './json-string-lexer.ts'
import { AnyBytesLexer, LiteralLexer, type Terminal } from './lexer.ts'
import { Terms } from './terms.ts'
import { type TextLexer, Utf8Lexer } from './text-lexer.ts'

/** Terminals that are remembered; of longer texts none are. */
const MOST_TERMINALS = 512
const MOST_KEY = 10_000
/** Bytes of literals that are compared with others. */
const MOST_LITERAL = 200

export class Lexers {
  readonly anyBytes: Terminal
  readonly #lexers: Readonly<Record<'utf8' | 'json-string', TextLexer>>
  readonly #known = new Map<string, Terminal>()
  /** By the text itself: those of formats are made once. */
  readonly #ofText = { utf8: new WeakMap<Text, Terminal>(), 'json-string': new WeakMap<Text, Terminal>() }

  constructor(readonly budget: Budget) {
    this.anyBytes = new AnyBytesLexer(budget)
    const terms = new Terms(budget)
    this.#lexers = { utf8: new Utf8Lexer(budget, terms), 'json-string': new JsonStringLexer(budget, terms) }
  }

  /** Any one of some byte strings. */
  literals(literals: readonly Uint8Array[]): Terminal {
    const total = literals.reduce((sum, { length }) => sum + length + 1, 0)
    if (total > MOST_LITERAL) return new LiteralLexer(this.budget, literals)
    return this.#remembered(`bytes ${literals.join(';')}`, () => new LiteralLexer(this.budget, literals))
  }

  of(kind: 'utf8' | 'json-string', text: Text): Terminal {
    const same = this.#ofText[kind].get(text)
    if (same !== undefined) return same
    const key = `${kind} ${keyOf(text)}`
    this.budget.spend(5 + Math.min(key.length, MOST_KEY) / 20)
    const terminal = this.#remembered(key, () => ({ start: this.#lexers[kind].startOf(text) }))
    this.#ofText[kind].set(text, terminal)
    return terminal
  }

  #remembered(key: string, make: () => Terminal): Terminal {
    const terminal = this.#known.get(key) ?? make()
    if (key.length > MOST_KEY) return terminal
    // What was asked for last stays the longest.
    this.#known.delete(key)
    this.#known.set(key, terminal)
    if (this.#known.size > MOST_TERMINALS) this.#known.delete(this.#known.keys().next().value!)
    return terminal
  }
}

/** As long as the text is short; cut off where it is not. */
function keyOf(text: Text): string {
  let key = ''
  const write = (part: Text): void => {
    if (key.length > MOST_KEY) return
    switch (part.kind) {
      case 'chars':
        key += `[${part.ranges.length > MOST_KEY ? ' '.repeat(MOST_KEY) : part.ranges.join()}]`
        return
      case 'repeat':
        key += `{${part.min},${part.max}`
        write(part.item)
        break
      case 'not':
        key += '{!'
        write(part.item)
        break
      default:
        key += `{${part.kind}`
        for (const item of part.kind === 'either' ? part.options : part.items) write(item)
    }
    key += '}'
  }
  write(text)
  return key
}
