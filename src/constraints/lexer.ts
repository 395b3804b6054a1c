/**
 * Deterministic automata over bytes, built as bytes come: a fixed set of byte strings here, UTF-8 of a text and JSON strings
 * in their own files. What they accept is one terminal of a grammar.
 */
import type { Budget } from './budget.ts'

/** A state of a lexer. A byte that leads nowhere has null; undefined is not known yet. */
export interface LexState {
  readonly id: number
  readonly lexer: Lexer
  /** What came so far is a whole terminal. */
  readonly accepting: boolean
  /** No byte leads on. */
  readonly final: boolean
  next: (LexState | null | undefined)[] | undefined
  /** For `Lexer.bytes`. */
  bytes: readonly number[] | undefined
}

/** Never a byte of UTF-8: bytes that begin so stand for a control token. */
export const CONTROL_MARK = 0xff

/** Remembered states of one lexer; what is older is made again when it comes up. */
const MOST_STATES = 4000

/** As many literals are sorted in another way. */
const MANY = 1000

export const ALL_BYTES: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte)

let count = 0

/** A terminal of a grammar. */
export interface Terminal {
  /** Where a lexer begins with it; null where it accepts nothing. */
  readonly start: LexState | null
}

export abstract class Lexer {
  /** It reads one of some byte strings. */
  readonly literal: boolean = false
  protected readonly known = new Map<string, LexState>()
  protected readonly most: number = MOST_STATES

  constructor(protected readonly budget: Budget) {}

  /** The state after a byte, which is not known yet. */
  protected abstract after(state: LexState, byte: number): LexState | null

  /** A state that no text of at most `length` bytes tells from this one, the same for many states. */
  within(state: LexState, _length: number): LexState {
    return state
  }

  /** One that most texts lead to the same states as from this one, the same for many; undefined where none is known. */
  alike(_state: LexState): LexState | undefined {
    return undefined
  }

  /** What must come, where that is all that can. */
  rest(_state: LexState): Uint8Array | undefined {
    return undefined
  }

  /** The bytes that can lead on, and perhaps some that do not. */
  bytes(state: LexState): readonly number[] {
    state.bytes ??= this.leading(state)
    return state.bytes
  }

  protected leading(_state: LexState): readonly number[] {
    return ALL_BYTES
  }

  step(state: LexState, byte: number): LexState | null {
    if (state.final) return null
    state.next ??= new Array(256)
    let next = state.next[byte]
    if (next === undefined) state.next[byte] = next = this.after(state, byte)
    return next
  }

  protected remember<S extends LexState>(key: string, make: (id: number) => S): S {
    const known = this.known.get(key)
    if (known !== undefined) return known as S
    this.budget.spend(5)
    if (this.known.size >= this.most) this.forget()
    const state = make(count++)
    this.known.set(key, state)
    return state
  }

  private forget(): void {
    for (const state of this.known.values()) state.next = undefined
    this.known.clear()
  }
}

interface LiteralState extends LexState {
  /** The literals from `low` to below `high` begin with what came. */
  readonly low: number
  readonly high: number
  readonly depth: number
}

/** Any one of some byte strings. */
export class LiteralLexer extends Lexer implements Terminal {
  readonly start: LexState | null
  override readonly literal = true
  private readonly literals: readonly Uint8Array[]
  private readonly row: LiteralState[] = []

  constructor(budget: Budget, literals: readonly Uint8Array[]) {
    super(budget)
    budget.spend(literals.length / 4)
    this.literals = sorted(literals)
    this.start = literals.length === 0 ? null : this.state(0, literals.length, 0)
  }

  override step(state: LexState, byte: number): LexState | null {
    const { low, high, depth } = state as LiteralState
    if (high - low > 1) return super.step(state, byte)
    // One literal is left: no table is needed to know its next byte.
    return this.literals[low]![depth] === byte ? this.state(low, high, depth + 1) : null
  }

  override rest(state: LexState): Uint8Array | undefined {
    const { low, high, depth } = state as LiteralState
    return high - low === 1 ? this.literals[low]!.subarray(depth) : undefined
  }

  protected after(state: LexState, byte: number): LexState | null {
    const { low, high, depth } = state as LiteralState
    const from = this.firstFrom(low, high, depth, byte)
    const to = this.firstFrom(from, high, depth, byte + 1)
    return from < to ? this.state(from, to, depth + 1) : null
  }

  protected override leading(state: LexState): readonly number[] {
    const { low, high, depth } = state as LiteralState
    if (high - low === 1) return depth < this.literals[low]!.length ? [this.literals[low]![depth]!] : []
    const bytes: number[] = []
    for (let at = low; at < high; ) {
      const byte = this.literals[at]![depth]
      if (byte !== undefined) bytes.push(byte)
      at = byte === undefined ? at + 1 : this.firstFrom(at, high, depth, byte + 1)
    }
    return bytes
  }

  /** The first literal whose byte at `depth` is at least this one. */
  private firstFrom(low: number, high: number, depth: number, byte: number): number {
    let [from, to] = [low, high]
    while (from < to) {
      const middle = (from + to) >> 1
      // A literal that ends here comes before all bytes.
      if ((this.literals[middle]![depth] ?? -1) < byte) from = middle + 1
      else to = middle
    }
    return from
  }

  private state(low: number, high: number, depth: number): LiteralState {
    // Most terminals are one short literal, whose states are a row.
    if (this.literals.length > 1)
      return this.remember(`${low},${high},${depth}`, (id) => this.made(id, low, high, depth))
    let state = this.row[depth]
    if (state === undefined) {
      this.budget.spend(1)
      this.row[depth] = state = this.made(count++, low, high, depth)
    }
    return state
  }

  private made(id: number, low: number, high: number, depth: number): LiteralState {
    const accepting = this.literals[low]!.length === depth
    const final = this.literals[high - 1]!.length === depth
    return { id, lexer: this, accepting, final, next: undefined, bytes: undefined, low, high, depth }
  }
}

/** All bytes but the one that stands before control tokens (control.ts). */
export class AnyBytesLexer extends Lexer implements Terminal {
  readonly start = this.remember('', (id): LexState => {
    return { id, lexer: this, accepting: true, final: false, next: undefined, bytes: undefined }
  })

  protected after(state: LexState, byte: number): LexState | null {
    return byte === CONTROL_MARK ? null : state
  }
}

/** By their bytes. Comparing strings of the engine's own is much faster than comparing bytes, where there are many. */
function sorted(literals: readonly Uint8Array[]): readonly Uint8Array[] {
  if (literals.length < MANY) return literals.length < 2 ? literals : [...literals].sort(compareBytes)
  const decoder = new TextDecoder('latin1')
  // All the bytes from 0x80 to 0x9f become other characters in this encoding: texts that have them are compared by bytes.
  if (literals.some((bytes) => bytes.some((byte) => byte >= 0x80))) return [...literals].sort(compareBytes)
  const byText = new Map(literals.map((bytes) => [decoder.decode(bytes), bytes]))
  return [...byText.keys()].sort().map((text) => byText.get(text)!)
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length)
  for (let i = 0; i < most; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
