/** What a person types, or a pipe brings: the whole of it, or line after line. */
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** `interrupt` is Ctrl-C typed at the prompt, `end` is Ctrl-D or the end of a pipe. */
export type Answer =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'end' }
  | { readonly kind: 'interrupt' }

/** The streams that questions are asked on. */
interface Streams {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
}

/** Ask the terminal to put marks around what is pasted, and to leave that. */
const PASTE_MARKS_ON = '\x1b[?2004h'
const PASTE_MARKS_OFF = '\x1b[?2004l'

/** The whole of an input while it comes. */
export class InputText {
  /** Something has come, or the end. */
  hasArrived = false
  /** Resolves at the end of the input, or when it is let go. */
  readonly text: Promise<string>
  private readonly stdin: Readable
  private release = (): void => undefined

  constructor(stdin: Readable) {
    this.stdin = stdin
    this.text = this.read()
  }

  private read(): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    return new Promise((resolve, reject) => {
      const take = (piece: Uint8Array | string): void => {
        this.hasArrived = true
        text += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
      }
      const end = (): void => {
        this.hasArrived = true
        this.release()
        resolve(text + decoder.decode())
      }
      const fail = (error: Error): void => {
        this.release()
        reject(error)
      }
      this.release = () => {
        this.stdin.off('data', take).off('end', end).off('error', fail)
        this.stdin.pause()
      }
      this.stdin.on('data', take).on('end', end).on('error', fail)
      if (this.stdin.readableEnded) end()
    })
  }

  /** Reads no further, so that the process can end. `text` then never resolves. */
  letGo(): void {
    this.release()
  }
}

/**
 * Lines from standard input. When a person types, each question has a line editor of its own: between questions the
 * terminal is in its normal mode, where Ctrl-C is a signal. A pipe has one reader for good, since the lines that it read
 * ahead would be lost with it.
 */
export class Questions {
  private history: string[] = []
  /** Lines that were pasted after the one that answered, and the unfinished one behind them. */
  private readonly pasted: string[] = []
  private unfinished = ''
  private lines: LineQueue | undefined
  private editor: Interface | undefined

  /** @param onInterrupt calls back on Ctrl-C; returns what takes the callback away again */
  constructor(
    private readonly streams: Streams,
    private readonly onInterrupt: (call: () => void) => () => void,
  ) {}

  ask(prompt: string, more: string): Promise<Answer> {
    if (this.streams.stdin.isTTY === true) {
      const text = this.pasted.shift()
      return text === undefined ? this.edit(prompt, more) : Promise.resolve({ kind: 'line', text })
    }
    this.lines ??= new LineQueue(this.streams.stdin)
    return this.lines.next()
  }

  close(): void {
    this.editor?.close()
    this.lines?.close()
    this.streams.stdin.pause()
  }

  private edit(prompt: string, more: string): Promise<Answer> {
    const { stdin: input, stdout: output, env } = this.streams
    // An editor would wait for an end that has been.
    if (input.readableEnded) return Promise.resolve({ kind: 'end' })
    const before = [...this.history]
    const editor = createInterface({ input, output, terminal: true, history: this.history, prompt })
    this.editor = editor
    const marks = env.TERM !== 'dumb'
    if (marks) output.write(PASTE_MARKS_ON)
    const paste = new PasteWatch(input)
    /** Pasted lines that wait for the one which a person ends. */
    const block: string[] = []
    return new Promise((resolve) => {
      let answer: Answer = { kind: 'end' }
      const finish = (kind: Answer): void => {
        answer = kind
        editor.close()
      }
      // `kill -INT` while a person is asked means the same as the key.
      const removeInterrupt = this.onInterrupt(() => finish({ kind: 'interrupt' }))
      editor.on('history', (history) => {
        this.history = [...history]
      })
      editor.on('line', (text) => {
        if (answer.kind === 'line') {
          this.pasted.push(text)
        } else if (paste.isOpen) {
          block.push(text)
          editor.setPrompt(more)
          editor.prompt()
        } else {
          answer = { kind: 'line', text: [...block, text].join('\n') }
          // An editor of one line cannot show what has several: they are not remembered for the up key.
          if (block.length > 0) this.history = before
          // Without marks a paste arrives as one piece, line after line: closing at once would drop what follows.
          setImmediate(() => {
            this.unfinished = editor.line
            editor.close()
          })
        }
      })
      editor.once('SIGINT', () => finish({ kind: 'interrupt' }))
      editor.once('close', () => {
        removeInterrupt()
        paste.stop()
        this.editor = undefined
        if (marks) output.write(PASTE_MARKS_OFF)
        if (answer.kind !== 'line') output.write('\n')
        resolve(answer)
      })
      editor.prompt()
      if (this.unfinished !== '') editor.write(this.unfinished)
      this.unfinished = ''
    })
  }
}

/** Knows whether what comes now is pasted, by the marks that the terminal puts around it. */
class PasteWatch {
  isOpen = false
  private readonly listener = (_: unknown, key: { name?: string } | undefined): void => {
    if (key?.name === 'paste-start') this.isOpen = true
    if (key?.name === 'paste-end') this.isOpen = false
  }

  constructor(private readonly input: Readable) {
    input.on('keypress', this.listener)
  }

  stop(): void {
    this.input.off('keypress', this.listener)
  }
}

class LineQueue {
  private readonly reader: Interface
  private readonly lines: string[] = []
  private ended = false
  private wake: (() => void) | undefined

  constructor(input: Readable) {
    this.reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
    this.reader.on('line', (line) => {
      this.lines.push(line)
      this.wake?.()
    })
    this.reader.on('close', () => {
      this.ended = true
      this.wake?.()
    })
  }

  async next(): Promise<Answer> {
    while (this.lines.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    const text = this.lines.shift()
    return text === undefined ? { kind: 'end' } : { kind: 'line', text }
  }

  close(): void {
    this.reader.close()
  }
}
