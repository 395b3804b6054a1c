/** What a session has said and heard, and how much of the context that takes. */
import type { ChatModel } from '../chat/chat-model.ts'
import type { PromptRequest } from '../chat/request.ts'
import { ContextLengthError } from '../errors.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { QuotaExceededError } from './errors.ts'

/** What a session tells the template besides messages. */
export type PromptSettings = Pick<PromptRequest, 'tools'>

export class Conversation {
  /** Tokens of all messages, with the control tokens between them. */
  usage = 0
  private readonly history: ChatMessage[] = []

  constructor(
    private readonly chat: ChatModel,
    /** They stay when others are dropped. */
    private readonly initial: readonly ChatMessage[],
    private readonly settings: PromptSettings,
  ) {}

  get begun(): boolean {
    return this.initial.length + this.history.length > 0
  }

  get messages(): readonly ChatMessage[] {
    return [...this.initial, ...this.history]
  }

  copy(): Conversation {
    const copy = new Conversation(this.chat, this.initial, this.settings)
    copy.history.push(...this.history)
    copy.usage = this.usage
    return copy
  }

  async measure(): Promise<void> {
    this.usage = await this.count(this.messages)
  }

  /** Tokens that these messages would add. */
  async added(messages: readonly ChatMessage[]): Promise<number> {
    // A system prompt begins a conversation: nothing stands before it.
    if (messages[0]?.role === 'system') return this.count(messages)
    return Math.max(0, (await this.count([...this.messages, ...messages])) - this.usage)
  }

  /**
   * Drops the oldest questions with their answers until there is room for the messages.
   * @returns whether any went
   * @throws QuotaExceededError when that does not help, and nothing went
   */
  async makeRoom(messages: readonly ChatMessage[]): Promise<boolean> {
    const { contextLength } = this.chat
    let dropped = 0
    for (;;) {
      const rest = this.history.slice(dropped)
      const needed = await this.count([...this.initial, ...rest, ...messages])
      // One token at least is left for the answer.
      if (needed < contextLength) break
      if (rest.length === 0) {
        const requested = await this.added(messages)
        const quota = contextLength - this.usage
        throw new QuotaExceededError(`the prompt has ${requested} tokens, and there is room for ${quota}`, {
          requested,
          quota,
        })
      }
      dropped = this.endOfTurn(dropped)
    }
    this.history.splice(0, dropped)
    return dropped > 0
  }

  async push(messages: readonly ChatMessage[]): Promise<void> {
    // An answer goes on with the last message of a request only.
    this.history.push(...messages.map(({ prefix: _, ...message }) => message))
    await this.measure()
  }

  /** Where the turn that begins at `start` ends: before the next message of the user. */
  private endOfTurn(start: number): number {
    const next = this.history.findIndex(({ role }, i) => i > start && role === 'user')
    return next < 0 ? this.history.length : next
  }

  /** Templates may refuse what is no whole conversation: a system prompt alone is counted with an empty question. */
  private async count(messages: readonly ChatMessage[]): Promise<number> {
    if (messages.length === 0) return 0
    const last = messages.at(-1)!
    const closed =
      last.role === 'assistant' ? [...messages.slice(0, -1), { ...last, prefix: last.prefix ?? false }] : messages
    try {
      return (await this.chat.encode({ messages: closed, ...this.settings })).length
    } catch (error) {
      if (error instanceof ContextLengthError) return Math.max(error.promptTokens, this.chat.contextLength + 1)
      if (last.role === 'user') throw error
      return (await this.chat.encode({ messages: [...closed, { role: 'user', content: '' }], ...this.settings })).length
    }
  }
}
