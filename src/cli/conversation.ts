/** The conversation at the prompt of `chat`, with its history. */
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { MistralChat } from '../chat/mistral-chat.ts'
import { AbortError, ContextLengthError, DeviceError, MistralError } from '../errors.ts'
import type { ModelMemory } from '../model/memory.ts'
import type { SamplingInput } from '../sampling/request-params.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { AnswerPrinter } from './answer-printer.ts'
import { runCommand, type Talk } from './chat-commands.ts'
import { type Cli, interruptible, note } from './context.ts'
import { errorText } from './error-text.ts'
import { askQuestion } from './question.ts'
import { streamAnswer } from './stream-answer.ts'

/** Facts about the model that commands may ask for. */
export interface ModelFacts {
  readonly name: string
  /** Tokens of prompt and answer together. */
  readonly contextLength: number
  readonly memory?: () => ModelMemory
}

export class Conversation implements Talk {
  /** Questions and answers in turn. */
  private history: ChatMessage[] = []
  /** The last question, when nothing was said to it. */
  private unanswered: string | undefined
  /** The last answer, with its lengths and times. */
  completion: ChatCompletion | undefined

  constructor(
    private readonly cli: Cli,
    private readonly chat: Pick<MistralChat, 'generate'>,
    /** Parameters of the requests to come. */
    public params: SamplingInput,
    /** The system prompt. */
    public system: string | undefined,
    readonly model: ModelFacts,
  ) {}

  /** Everything that the model is told. */
  get messages(): readonly ChatMessage[] {
    return this.system === undefined ? this.history : [{ role: 'system', content: this.system }, ...this.history]
  }

  /** Asks and answers until the person, or the pipe, ends it. */
  async run(): Promise<void> {
    const { terminal } = this.cli
    if (terminal.inputIsTTY) await note(this.cli, '/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves')
    let leaving = false
    while (!terminal.outputClosed.aborted) {
      const answer = await askQuestion(this.cli)
      if (answer.kind === 'end') return
      if (answer.kind === 'interrupt') {
        if (leaving) return
        leaving = true
        await note(this.cli, 'Ctrl-C again, or Ctrl-D, leaves')
        continue
      }
      const text = answer.text.trim()
      const done = text === '' ? 'stay' : await this.take(text)
      if (done === 'leave') return
      // A person who stops an answer and presses the keys once more wants to leave.
      leaving = done === 'stopped'
    }
  }

  /** Answers the last question again, in place of the answer that it has. */
  async regenerate(): Promise<'stay' | 'stopped'> {
    if (this.unanswered !== undefined) return this.answer(this.unanswered)
    const question = this.history.at(-2)?.content
    if (typeof question !== 'string') {
      await note(this.cli, 'there is no question yet')
      return 'stay'
    }
    const kept = this.history
    this.history = kept.slice(0, -2)
    const before = this.history
    const done = await this.answer(question)
    // A new answer that never began must not cost the old one.
    if (this.history === before) this.history = kept
    return done
  }

  /** Forgets what was said. */
  reset(): void {
    this.history = []
    this.unanswered = undefined
    this.completion = undefined
  }

  private async take(text: string): Promise<'leave' | 'stay' | 'stopped'> {
    return (await runCommand(this.cli, this, text)) ?? this.answer(text)
  }

  /** One question and its answer. A refusal costs the question, a lost device the conversation. */
  private async answer(question: string): Promise<'stay' | 'stopped'> {
    const { terminal } = this.cli
    const asked: ChatMessage = { role: 'user', content: question }
    const said: string[] = []
    let stopped = false
    this.unanswered = question
    try {
      await interruptible(this.cli, (signal) => this.stream([...this.messages, asked], said, signal))
    } catch (error) {
      if (!(error instanceof MistralError) || error instanceof DeviceError) throw error
      // Ctrl-C in a pipe ends all of it.
      if (error instanceof AbortError && !terminal.inputIsTTY) throw error
      stopped = error instanceof AbortError
      if (stopped) await note(this.cli, '(stopped; Ctrl-C again leaves)')
      else await this.report(error)
    }
    // Templates want question and answer in turn: a question without an answer is forgotten.
    if (said.length > 0) {
      this.history = [...this.history, asked, { role: 'assistant', content: said.join('') }]
      this.unanswered = undefined
    }
    return stopped ? 'stopped' : 'stay'
  }

  private async report(error: MistralError): Promise<void> {
    const { terminal } = this.cli
    const advice =
      error instanceof ContextLengthError && this.history.length > 0 ? '; /reset forgets what was said' : ''
    await terminal.err.write(`error: ${errorText(error)}${advice}\n`)
    // A pipe cannot look at the message: its exit code tells.
    if (!terminal.inputIsTTY) terminal.setExitCode(1)
  }

  private async stream(messages: ChatMessage[], said: string[], signal: AbortSignal): Promise<void> {
    const printer = new AnswerPrinter(this.cli)
    const take = async (text: string, thought: string): Promise<void> => {
      if (text !== '') said.push(text)
      await printer.think(thought)
      await printer.write(text)
    }
    try {
      this.completion = await streamAnswer(this.chat, { ...this.params, messages }, signal, take)
      // An empty answer is an answer: its line shows that it came.
      if (!printer.hasBegun) await printer.write('\n')
    } finally {
      await printer.end()
    }
  }
}
