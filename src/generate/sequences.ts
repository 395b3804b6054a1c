import { throwIfAborted } from '../errors.ts'
import type { Engine } from '../model/engine.ts'
import type { Row } from '../model/runner.ts'

/** A sequence of the cache: its index, and the tokens whose keys and values it holds. */
interface Slot {
  readonly index: number
  readonly tokens: number[]
  lease: Lease | undefined
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
  private readonly waiting: (() => void)[] = []

  constructor(readonly engine: Engine) {
    this.slots = Array.from({ length: engine.maxSequences }, (_, index) => ({ index, tokens: [], lease: undefined }))
  }

  lease(): Lease {
    return new Lease(this)
  }

  /** @internal The slot for `tokens`, with nothing in it that disagrees with them. */
  async take(lease: Lease, tokens: readonly number[], signal: AbortSignal | undefined): Promise<Slot> {
    for (let turn = 0; ; turn++) {
      throwIfAborted(signal)
      // Those who came first are first in line; whoever has waited is at the head of it.
      const slot = turn > 0 || this.waiting.length === 0 ? this.available(tokens) : undefined
      if (slot !== undefined) {
        if (slot.lease) slot.lease.slot = undefined
        slot.lease = lease
        slot.tokens.length = this.reusable(slot, tokens)
        return slot
      }
      await this.wait(turn > 0, signal)
    }
  }

  /** @internal */
  release(slot: Slot): void {
    slot.lease = undefined
    this.waiting[0]?.()
  }

  private available(tokens: readonly number[]): Slot | undefined {
    const free = this.slots.filter((slot) => slot.lease === undefined)
    const best = free.map((slot) => ({ slot, shared: this.reusable(slot, tokens) })).sort((a, b) => b.shared - a.shared)
    if (best[0]) return best[0].slot
    const now = performance.now()
    return this.slots.find(({ lease }) => lease?.idleSince !== undefined && now - lease.idleSince >= IDLE_MS)
  }

  /**
   * Tokens of the slot that `tokens` can go on from: the common prefix without the last of `tokens`, whose logits must
   * be computed; nothing when a ring has overwritten keys that the position after the prefix still sees.
   */
  private reusable(slot: Slot, tokens: readonly number[]): number {
    let shared = 0
    const most = Math.min(slot.tokens.length, tokens.length - 1)
    while (shared < most && slot.tokens[shared] === tokens[shared]) shared++
    const written = slot.tokens.length
    const intact = this.engine.cache.every(
      ({ ring, window }) => written <= ring || Math.max(0, shared - window + 1) >= written - ring,
    )
    return intact ? shared : 0
  }

  /** Until a slot is released, or may have become idle for long enough. */
  private wait(first: boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        const place = this.waiting.indexOf(wake)
        if (place >= 0) this.waiting.splice(place, 1)
        resolve()
      }
      const timer = setTimeout(wake, IDLE_MS)
      signal?.addEventListener('abort', wake)
      if (first) this.waiting.unshift(wake)
      else this.waiting.push(wake)
    })
  }
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
    const { index: sequence, tokens: held } = this.slot
    if (reset) held.length = 0
    this.cachedTokens = held.length
    const { runner, chunk } = this.sequences.engine
    const logits: Float32Array<ArrayBuffer>[] = []
    while (held.length < tokens.length) {
      const first = held.length
      const most = Math.min(chunk, wantsLogits(first) ? runner.maxOutputs : chunk)
      const rows = tokens
        .slice(first, first + most)
        .map((token, i): Row => ({ token, sequence, position: first + i, wantsLogits: wantsLogits(first + i) }))
      // If this chunk fails or is aborted, the slot must not claim it; what it overwrote is past `held`.
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
