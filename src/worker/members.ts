/** The tabs that use a model, each as long as it lives. */
import type { Tabs } from '../platform/tabs.ts'
import type { ClientSession } from './client-session.ts'
import { memberLock } from './group.ts'

interface Member {
  readonly session: ClientSession
  /** Closes the way to the tab. */
  readonly close: () => void
}

export class Members {
  readonly #all = new Map<string, Member>()
  readonly #closing = new AbortController()

  /** @param onChange hears that they are others now */
  constructor(
    private readonly tabs: Tabs,
    private readonly group: string,
    private readonly onChange: () => void,
  ) {}

  get size(): number {
    return this.#all.size
  }

  /** A tab comes, or comes again in another way. */
  add(name: string, session: ClientSession, close = () => {}): void {
    const before = this.#all.get(name)
    this.#all.set(name, { session, close })
    if (before === undefined) void this.#watch(name)
    else release(before)
    this.onChange()
  }

  /** A tab goes: what runs for it ends. */
  remove(name: string): void {
    const member = this.#all.get(name)
    if (member === undefined) return
    this.#all.delete(name)
    release(member)
    this.onChange()
  }

  /** Tells all what changed about the model. */
  tell(): void {
    for (const { session } of this.#all.values()) session.tellFacts()
  }

  /** Hears and says nothing more. */
  close(): void {
    this.#closing.abort()
    for (const { close } of this.#all.values()) close()
    this.#all.clear()
  }

  /** A tab has the lock of its own name as long as it lives. */
  async #watch(name: string): Promise<void> {
    try {
      const giveBack = await this.tabs.lock(memberLock(this.group, name), this.#closing.signal)
      giveBack()
      this.remove(name)
    } catch {
      // The model went before the tab did.
    }
  }
}

function release({ session, close }: Member): void {
  close()
  session.end()
}
