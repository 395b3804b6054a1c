/** Control tokens inside of expressions: they have no text, so bytes that no text has stand for them. */
import type { Expression } from './expression.ts'
import { CONTROL_MARK } from './lexer.ts'

export { CONTROL_MARK } from './lexer.ts'

/** The bytes that stand for a control token in the trie of a vocabulary. */
export function controlBytes(id: number): Uint8Array {
  return Uint8Array.of(CONTROL_MARK, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff)
}

/** A control token. */
export function control(id: number): Expression {
  return { kind: 'bytes', bytes: controlBytes(id) }
}
