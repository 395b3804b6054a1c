/** A terminal's screen, drawn by an emulator, so that tests see what a person would see. */
import xterm from '@xterm/headless'

export interface Screen {
  readonly columns: number
  write(text: string | Uint8Array): Promise<void>
  resize(columns: number): void
  /** Every line with something on it or above something, from the top, without the blanks at its end. */
  lines(): Promise<string[]>
}

export function screen(columns: number, rows = 40): Screen {
  const terminal = new xterm.Terminal({
    cols: columns,
    rows,
    scrollback: 1000,
    convertEol: true,
    allowProposedApi: true,
  })
  const write = (text: string | Uint8Array) => new Promise<void>((resolve) => terminal.write(text, resolve))
  return {
    get columns() {
      return terminal.cols
    },
    write,
    resize: (columns) => terminal.resize(columns, rows),
    async lines() {
      await write('')
      const { active } = terminal.buffer
      const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)!.translateToString(true))
      while (lines.at(-1) === '') lines.pop()
      return lines.map((line) => line.trimEnd())
    },
  }
}
