/** Puts an answer on the screen while it streams: a sign until it begins, lines that break at words. */
import { type Cli, printable } from './context.ts'
import { type WaitingSign, waitingSign } from './waiting-sign.ts'
import { WordWrap } from './word-wrap.ts'

export class AnswerPrinter {
  private readonly wrap: WordWrap | undefined
  private readonly sign: WaitingSign
  private last = ''

  constructor(private readonly cli: Cli) {
    const { out, env } = cli.terminal
    // A dumb terminal cannot take back what was written. A pipe gets the text as it is.
    this.wrap = out.isTTY && env.TERM !== 'dumb' ? new WordWrap(() => out.columns) : undefined
    this.sign = waitingSign(cli)
  }

  /** Something was written. */
  get hasBegun(): boolean {
    return this.last !== ''
  }

  async write(text: string): Promise<void> {
    if (text === '') return
    await this.sign.stop()
    this.last = text
    const shown = printable(this.cli, text)
    await this.cli.terminal.out.write(this.wrap?.push(shown) ?? shown)
  }

  /** Ends the line, so that what follows has one of its own: the next question, or the shell's prompt. */
  async end(): Promise<void> {
    await this.sign.stop()
    if (this.hasBegun && !this.last.endsWith('\n')) await this.cli.terminal.out.write('\n')
  }
}
