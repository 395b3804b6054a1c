import type { MistralChat } from '../chat/mistral-chat.ts'
import { AbortError, DeviceError, MistralError } from '../errors.ts'
import type { SamplingInput } from '../sampling/request-params.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { type Cli, colorsFor, interruptible, note, printable } from './context.ts'
import { errorText } from './error-text.ts'

/** What can be typed instead of a question. */
export const COMMANDS = `/reset   forget the conversation
/exit    leave (also Ctrl-D, or Ctrl-C twice)
/help    this list
Ctrl-C   stop the answer; what was said of it is remembered`

/** What is asked and answered at the prompt, with its history. */
export class Conversation {
  private history: ChatMessage[]

  constructor(
    private readonly cli: Cli,
    private readonly chat: Pick<MistralChat, 'generate'>,
    private readonly params: SamplingInput,
    private readonly system: string | undefined,
  ) {
    this.history = this.beginning()
  }

  /** Asks and answers until the person, or the pipe, ends it. */
  async run(): Promise<void> {
    const { terminal } = this.cli
    const prompt = colorsFor(this.cli, 'out').bold('> ')
    if (terminal.inputIsTTY) await note(this.cli, '/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves')
    let leaving = false
    while (!terminal.outputClosed.aborted) {
      const answer = await terminal.ask(prompt)
      if (answer.kind === 'end') return
      if (answer.kind === 'interrupt') {
        if (leaving) return
        leaving = true
        await note(this.cli, 'Ctrl-C again, or Ctrl-D, leaves')
        continue
      }
      leaving = false
      const text = answer.text.trim()
      if (text === '') continue
      // `/usr/bin is what?` is a question.
      if (!/^\/[a-z]+$/i.test(text)) await this.answer(text)
      else if ((await this.command(text.toLowerCase())) === 'leave') return
    }
  }

  private async command(name: string): Promise<'leave' | 'stay'> {
    if (name === '/exit' || name === '/quit') return 'leave'
    if (name === '/reset') {
      this.history = this.beginning()
      await note(this.cli, 'the conversation starts again')
    } else if (name === '/help') await note(this.cli, COMMANDS)
    else await note(this.cli, `${name} is no command; /help lists them`)
    return 'stay'
  }

  /** One question and its answer. A refusal costs the question, a lost device the conversation. */
  private async answer(question: string): Promise<void> {
    const { terminal } = this.cli
    const messages: ChatMessage[] = [...this.history, { role: 'user', content: question }]
    const said: string[] = []
    try {
      await interruptible(this.cli, (signal) => this.stream(messages, said, signal))
    } catch (error) {
      if (!(error instanceof MistralError) || error instanceof DeviceError) throw error
      // Who interrupts a pipe means all of it.
      if (error instanceof AbortError && !terminal.inputIsTTY) throw error
      if (!(error instanceof AbortError)) {
        await terminal.err.write(`error: ${errorText(error)}\n`)
        // A pipe cannot look at the message: its exit code tells.
        if (!terminal.inputIsTTY) terminal.setExitCode(1)
      } else if (said.length > 0 && terminal.out.isTTY) await note(this.cli, '(stopped)')
    }
    // Templates want question and answer in turn: a question without an answer is forgotten.
    if (said.length > 0) this.history = [...messages, { role: 'assistant', content: said.join('') }]
  }

  private async stream(messages: ChatMessage[], said: string[], signal: AbortSignal): Promise<void> {
    const { out } = this.cli.terminal
    try {
      for await (const { text } of this.chat.generate({ ...this.params, messages }, { signal })) {
        if (text === '') continue
        said.push(text)
        await out.write(printable(this.cli, text))
      }
    } finally {
      if (!said.at(-1)?.endsWith('\n')) await out.write('\n')
    }
  }

  private beginning(): ChatMessage[] {
    return this.system === undefined ? [] : [{ role: 'system', content: this.system }]
  }
}
