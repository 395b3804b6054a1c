import { throwIfAborted } from '../errors.ts'
import type { Engine } from '../model/engine.ts'
import type { Row } from '../model/runner.ts'

/** A sequence of the cache. */
interface Slot {
  readonly index: number
  /** The tokens whose keys and values it holds. */
  readonly tokens: number[]
  /** Positions written since it was last emptied: where the rings have gone, also when `tokens` was cut back since. */
  written: number
  lease: Lease | undefined
}

/** A place in the line for a slot. */
interface Ticket {
  wake(): void
}

/** How long a generation that nobody asks for its next token keeps its slot when others wait for one. */
const IDLE_MS = 100

/**
 * Hands the cache's sequences to generations. A new one gets the free slot that shares the longest prefix with its
 * prompt. When all are taken it waits, first come first served; a holder whose consumer has stopped asking for tokens
 * loses its slot and computes its tokens anew when it goes on, so that an iterator that was left lying blocks nobody.
 */
export class Sequences {
  private readonly slots: Slot[]
  private readonly line: Ticket[] = []

  constructor(readonly engine: Engine) {
    this.slots = Array.from({ length: engine.maxSequences }, (_, index) => ({
      index,
      tokens: [],
      written: 0,
      lease: undefined,
    }))
  }

  lease(): Lease {
    return new Lease(this)
  }

  /** @internal The slot for `tokens`, with nothing in it that disagrees with them. */
  async take(lease: Lease, tokens: readonly number[], signal: AbortSignal | undefined): Promise<Slot> {
    const ticket: Ticket = { wake() {} }
    this.line.push(ticket)
    try {
      for (;;) {
        throwIfAborted(signal)
        this.engine.gpu.check()
        const slot = this.line[0] === ticket ? this.available(tokens) : undefined
        if (slot !== undefined) {
          if (slot.lease) slot.lease.slot = undefined
          slot.lease = lease
          cutBack(slot, this.reusable(slot, tokens))
          return slot
        }
        await pause(ticket, signal)
      }
    } finally {
      this.line.splice(this.line.indexOf(ticket), 1)
      this.line[0]?.wake()
    }
  }

  /** @internal */
  release(slot: Slot): void {
    slot.lease = undefined
    this.line[0]?.wake()
  }

  private available(tokens: readonly number[]): Slot | undefined {
    const free = this.slots.filter((slot) => slot.lease === undefined)
    const best = free.map((slot) => ({ slot, shared: this.reusable(slot, tokens) })).sort((a, b) => b.shared - a.shared)
    if (best[0]) return best[0].slot
    const longestIdle = this.slots
      .map((slot) => ({ slot, since: slot.lease?.idleSince ?? Infinity }))
      .reduce((a, b) => (b.since < a.since ? b : a))
    return performance.now() - longestIdle.since >= IDLE_MS ? longestIdle.slot : undefined
  }

  /**
   * Tokens of the slot that `tokens` can go on from: the common prefix without the last of `tokens`, whose logits must
   * be computed; nothing when a ring has overwritten keys that the position after the prefix still sees.
   */
  private reusable(slot: Slot, tokens: readonly number[]): number {
    let shared = 0
    const most = Math.min(slot.tokens.length, tokens.length - 1)
    while (shared < most && slot.tokens[shared] === tokens[shared]) shared++
    const intact = this.engine.cache.every(
      ({ ring, window }) => slot.written <= ring || Math.max(0, shared - window + 1) >= slot.written - ring,
    )
    return intact ? shared : 0
  }
}

function cutBack(slot: Slot, length: number): void {
  slot.tokens.length = length
  if (length === 0) slot.written = 0
}

/** Until the ticket is woken, the signal fires, or a holder may have become idle for long enough. */
function pause(ticket: Ticket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    ticket.wake = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', ticket.wake)
      resolve()
    }
    const timer = setTimeout(ticket.wake, IDLE_MS)
    signal?.addEventListener('abort', ticket.wake)
  })
}

/** One generation's hold on a slot, from its first token to `release()`. */
export class Lease {
  /** @internal undefined before the first token, and after another generation took the slot over. */
  slot: Slot | undefined
  /** @internal When the consumer last got a token, while it has not asked for the next. */
  idleSince: number | undefined

  constructor(private readonly sequences: Sequences) {}

  /**
   * Logits that follow the last of `tokens`, [V]. Only tokens that the slot does not hold yet are computed, in chunks.
   * `reset` computes all of them. Throws `AbortError`, `DeviceError`.
   */
  async advance(tokens: readonly number[], signal?: AbortSignal, reset = false): Promise<Float32Array<ArrayBuffer>> {
    const last = tokens.length - 1
    const [logits] = await this.compute(tokens, (position) => position === last, signal, reset)
    return logits!
  }

  /** Logits that follow each of the tokens from an empty slot: [T] of [V]. */
  everyRow(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>[]> {
    return this.compute(tokens, () => true, signal, true)
  }

  /** Tokens that the slot already held when the last computation began. */
  cachedTokens = 0

  private async compute(
    tokens: readonly number[],
    wantsLogits: (position: number) => boolean,
    signal: AbortSignal | undefined,
    reset: boolean,
  ): Promise<Float32Array<ArrayBuffer>[]> {
    this.idleSince = undefined
    this.slot ??= await this.sequences.take(this, tokens, signal)
    const slot = this.slot
    const { index: sequence, tokens: held } = slot
    if (reset) cutBack(slot, 0)
    this.cachedTokens = held.length
    const { runner, chunk } = this.sequences.engine
    const logits: Float32Array<ArrayBuffer>[] = []
    while (held.length < tokens.length) {
      const first = held.length
      const most = Math.min(chunk, wantsLogits(first) ? runner.maxOutputs : chunk)
      const rows = tokens
        .slice(first, first + most)
        .map((token, i): Row => ({ token, sequence, position: first + i, wantsLogits: wantsLogits(first + i) }))
      // If this chunk fails or is aborted, the slot must not claim its tokens, but may have been written to.
      slot.written = Math.max(slot.written, first + rows.length)
      logits.push(...(await runner.run(rows, signal)))
      for (const row of rows) held.push(row.token)
      throwIfAborted(signal)
    }
    return logits
  }

  /** The consumer has its token; until it asks for more the slot may go to somebody else. */
  rest(): void {
    this.idleSince = performance.now()
  }

  release(): void {
    if (this.slot) this.sequences.release(this.slot)
    this.slot = undefined
  }
}
