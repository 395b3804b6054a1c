/** Puts an answer on the screen while it streams: a sign until it begins, lines that break at words. */
import { type Cli, colorsFor, printable } from './context.ts'
import { type WaitingSign, waitingSign } from './waiting-sign.ts'
import { WordWrap } from './word-wrap.ts'

export class AnswerPrinter {
  private readonly wrap: WordWrap | undefined
  private readonly sign: WaitingSign
  /** Something of the answer was written. */
  hasBegun = false
  /** The line goes on. */
  private isOpen = false
  /** The line is one of a thought. */
  private isThinking = false

  constructor(private readonly cli: Cli) {
    const { out, env } = cli.terminal
    // A dumb terminal cannot take back what was written. A pipe gets the text as it is.
    this.wrap = out.isTTY && env.TERM !== 'dumb' ? new WordWrap(() => out.columns) : undefined
    this.sign = waitingSign(cli)
  }

  async write(text: string): Promise<void> {
    if (text === '') return
    await this.sign.stop()
    const shown = printable(this.cli, this.isThinking && this.isOpen ? `\n${text}` : text)
    this.hasBegun = true
    this.isOpen = !text.endsWith('\n')
    this.isThinking = false
    await this.cli.terminal.out.write(this.wrap?.push(shown) ?? shown)
  }

  /** Shows the thoughts before the answer: for a person to look at, and no part of the output. */
  async think(thought: string): Promise<void> {
    if (thought === '' || !this.cli.terminal.out.isTTY) return
    await this.sign.stop()
    this.isThinking = true
    this.isOpen = !thought.endsWith('\n')
    const shown = printable(this.cli, thought)
    await this.cli.terminal.out.write(colorsFor(this.cli, 'out').dim(this.wrap?.push(shown) ?? shown))
  }

  /** Ends the line, so that what follows has one of its own: the next question, or the shell's prompt. */
  async end(): Promise<void> {
    await this.sign.stop()
    if (this.isOpen) await this.cli.terminal.out.write('\n')
    this.isOpen = false
  }
}
