/** The side of the tab that leads: its model answers the other tabs, and its own page, each through a channel. */
import type { MistralChat } from '../chat/mistral-chat.ts'
import { MistralError } from '../errors.ts'
import type { Tabs } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { ClientSession, type OtherCall } from './client-session.ts'
import { type GroupMessage, memberLock } from './group.ts'
import type { ModelFacts } from './protocol.ts'

/** A tab that uses the model. */
interface Member {
  session: SharedSession
  /** Its channel. */
  port: WorkerPort
}

export class ModelHost {
  readonly #members = new Map<string, Member>()
  readonly #channel: WorkerPort
  readonly #closing = new AbortController()

  /** @param term the name of this time of leading, which no other has */
  constructor(
    readonly chat: MistralChat,
    private readonly tabs: Tabs,
    private readonly group: string,
    private readonly term: string,
  ) {
    this.#channel = tabs.channel(group)
    this.#channel.listen((message) => this.#take(message as GroupMessage))
    this.#channel.post({ op: 'leading', term } satisfies GroupMessage)
  }

  get sharing(): NonNullable<ModelFacts['shared']> {
    return { term: this.term, tabs: this.#members.size }
  }

  /** Tells all tabs what changed about the model. */
  tellChanges(): void {
    for (const { session } of this.#members.values()) session.tellFacts()
  }

  /** Hears and says nothing more. */
  close(): void {
    this.#closing.abort()
    this.#channel.close()
    for (const { port } of this.#members.values()) port.close()
    this.#members.clear()
  }

  #take(message: GroupMessage): void {
    if (message.op !== 'hello') return
    const { member: name, port: channel } = message
    const before = this.#members.get(name)
    if (before !== undefined) this.#release(before)
    const port = this.tabs.channel(channel)
    this.#members.set(name, { port, session: new SharedSession(port, this) })
    this.tellChanges()
    if (before === undefined) void this.#watch(name)
  }

  /** A tab has the lock of its own name as long as it lives. */
  async #watch(name: string): Promise<void> {
    try {
      const release = await this.tabs.lock(memberLock(this.group, name), this.#closing.signal)
      release()
      this.#end(name)
    } catch {
      // The model went before the tab did.
    }
  }

  #end(name: string): void {
    const member = this.#members.get(name)
    if (member === undefined) return
    this.#members.delete(name)
    this.#release(member)
    this.tellChanges()
  }

  #release({ session, port }: Member): void {
    port.close()
    session.end()
  }
}

/** What one tab asks of the model that it shares. */
class SharedSession extends ClientSession {
  constructor(
    port: WorkerPort,
    private readonly host: ModelHost,
  ) {
    super(port)
  }

  protected get chat(): MistralChat {
    return this.host.chat
  }

  protected tellChanges(): void {
    this.host.tellChanges()
  }

  protected override sharing(): ModelFacts['shared'] {
    return this.host.sharing
  }

  /** The model belongs to all of its tabs, and is loaded and disposed of where it is. */
  protected async answerOther({ method }: OtherCall): Promise<never> {
    throw new MistralError(`a model that tabs share does not ${method}`)
  }
}
