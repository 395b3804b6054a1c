/** The side of the tab that leads: its model answers the other tabs, and its own page, each through a channel. */
import type { MistralChat } from '../chat/mistral-chat.ts'
import { MistralError } from '../errors.ts'
import type { Tabs } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { ClientSession, type OtherCall } from './client-session.ts'
import type { GroupMessage } from './group.ts'
import { Members } from './members.ts'
import type { ModelFacts } from './protocol.ts'

export class ModelHost {
  readonly #members: Members
  readonly #channel: WorkerPort

  /** @param term the name of this time of leading, which no other has */
  constructor(
    readonly chat: MistralChat,
    private readonly tabs: Tabs,
    group: string,
    private readonly term: string,
  ) {
    this.#members = new Members(tabs, group, () => this.tellChanges())
    this.#channel = tabs.channel(group)
    this.#channel.listen((message) => this.#take(message as GroupMessage))
    this.#channel.post({ op: 'leading', term } satisfies GroupMessage)
  }

  get sharing(): NonNullable<ModelFacts['shared']> {
    return { term: this.term, tabs: this.#members.size }
  }

  /** Tells all tabs what changed about the model. */
  tellChanges(): void {
    this.#members.tell()
  }

  /** Hears and says nothing more. */
  close(): void {
    this.#channel.close()
    this.#members.close()
  }

  #take(message: GroupMessage): void {
    if (message.op !== 'hello') return
    const port = this.tabs.channel(message.port)
    this.#members.add(message.member, new ChannelSession(port, this), () => port.close())
  }
}

/** What one tab asks of the model that it shares. */
class ChannelSession extends ClientSession {
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
