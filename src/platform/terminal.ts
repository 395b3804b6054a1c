/**
 * The terminal that the command line stands in: arguments, streams, questions, Ctrl-C. Node, Bun and Deno (through its
 * Node layer) all run it. Only `src/cli/` imports this file, so it is never part of a bundle for the browser.
 */
import type { EventEmitter } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { wakeGpu } from './wake-gpu.ts'

export interface Terminal {
  /** The user's arguments, without runtime and script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** For bug reports: `node 20.19.0, linux x64`. */
  readonly runtime: string
  /** A person types: `ask` edits a line. False for a pipe or a file. */
  readonly inputIsTTY: boolean
  readonly out: TerminalOutput
  readonly err: TerminalOutput
  /** Fires when nobody reads standard output any more (`… | head -1`): stop and end quietly. */
  readonly outputClosed: AbortSignal
  /** The whole of standard input, as UTF-8. For pipes; not together with `ask`. */
  readInput(): Promise<string>
  /** Writes the prompt (only when a person types) and waits for one line. */
  ask(prompt: string): Promise<Answer>
  /**
   * Calls the handler on Ctrl-C instead of ending the process. The newest handler is the one that is called; the
   * returned function takes it away again. Without handlers Ctrl-C ends the process as usual.
   */
  onInterrupt(handler: () => void): () => void
  /**
   * Calls the handler when the process is asked to end (SIGTERM, as service managers and containers do), and on Ctrl-C.
   * Taken away again, the next such signal ends the process as usual.
   */
  onTerminate(handler: () => void): () => void
  /** The code with which the process will end by itself. The process is never ended by force. */
  setExitCode(code: number): void
  /** Finds the GPU before anything else happens, so that what its driver writes does not get in between. */
  wakeGpu(): Promise<void>
  /** Lets go of standard input, so that the process can end. Safe to call twice. */
  close(): void
}

export interface TerminalOutput {
  readonly isTTY: boolean
  /** Characters in a line, 80 where unknown. Changes with the window. */
  readonly columns: number
  /** Resolves when the reader can take more: awaiting it keeps a slow reader from filling the memory. */
  write(text: string): Promise<void>
  /** For libraries that draw by themselves (a progress bar). */
  readonly stream: Writable
}

/** `interrupt` is Ctrl-C typed at the prompt, `end` is Ctrl-D or the end of a pipe. */
export type Answer =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'end' }
  | { readonly kind: 'interrupt' }

/** What a terminal is made from: the process, or a stand-in with streams of its own. */
export interface TerminalHost {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly runtime: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: HostStream
  readonly stderr: HostStream
  /** Emits `SIGINT` and `SIGTERM`; having a listener replaces the default, which ends the process. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>
  setExitCode(code: number): void
  wakeGpu?(): Promise<void>
}

type HostStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** The terminal of this process. */
export function openTerminal(): Terminal {
  const runtime = process.versions.bun
    ? `bun ${process.versions.bun}`
    : 'deno' in process.versions
      ? `deno ${process.versions.deno}`
      : `node ${process.versions.node}`
  return createTerminal({
    argv: process.argv.slice(2),
    env: process.env,
    runtime: `${runtime}, ${process.platform} ${process.arch}`,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    setExitCode(code) {
      process.exitCode = code
    },
    wakeGpu,
  })
}

export function createTerminal(host: TerminalHost): Terminal {
  const closed = new AbortController()
  const interrupts = new Interrupts(host.signals, 'SIGINT')
  const terminations = new Interrupts(host.signals, 'SIGTERM')
  const questions = new Questions(host, interrupts)
  return {
    argv: host.argv,
    env: host.env,
    runtime: host.runtime,
    inputIsTTY: host.stdin.isTTY === true,
    out: output(host.stdout, () => closed.abort()),
    err: output(host.stderr, () => undefined),
    outputClosed: closed.signal,
    readInput: () => readAll(host.stdin),
    ask: (prompt) => questions.ask(prompt),
    onInterrupt: (handler) => interrupts.add(handler),
    onTerminate(handler) {
      const remove = [interrupts.add(handler), terminations.add(handler)]
      return () => {
        for (const each of remove) each()
      }
    },
    setExitCode: (code) => host.setExitCode(code),
    wakeGpu: async () => host.wakeGpu?.(),
    close: () => questions.close(),
  }
}

function output(stream: HostStream, onClosed: () => void): TerminalOutput {
  let open = true
  // A reader that leaves (EPIPE) is no failure of ours; without a listener it would end the process with a stack trace.
  stream.on('error', () => {
    open = false
    onClosed()
  })
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns || 80
    },
    write(text) {
      if (!open) return Promise.resolve()
      return new Promise((resolve) => {
        if (stream.write(text, () => resolve())) resolve()
      })
    },
    stream,
  }
}

async function readAll(stdin: Readable): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of stdin) text += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
  return text + decoder.decode()
}

/** Handlers of a signal. The process listens only while there is one: that is what brings the default back. */
class Interrupts {
  private readonly handlers: Array<{ call: () => void }> = []
  private readonly listener = (): void => this.handlers.at(-1)?.call()

  constructor(
    private readonly signals: Pick<EventEmitter, 'on' | 'off'>,
    private readonly name: 'SIGINT' | 'SIGTERM',
  ) {}

  add(call: () => void): () => void {
    const entry = { call }
    if (this.handlers.push(entry) === 1) this.signals.on(this.name, this.listener)
    return () => {
      const at = this.handlers.indexOf(entry)
      if (at < 0) return
      this.handlers.splice(at, 1)
      if (this.handlers.length === 0) this.signals.off(this.name, this.listener)
    }
  }
}

/**
 * Lines from standard input. When a person types, each question has a line editor of its own: between questions the
 * terminal is in its normal mode, where Ctrl-C is a signal. A pipe has one reader for good, since the lines that it read
 * ahead would be lost with it.
 */
class Questions {
  private history: string[] = []
  /** Lines that were pasted after the one that answered, and the unfinished one behind them. */
  private readonly pasted: string[] = []
  private unfinished = ''
  private lines: LineQueue | undefined
  private editor: Interface | undefined

  constructor(
    private readonly host: TerminalHost,
    private readonly interrupts: Interrupts,
  ) {}

  ask(prompt: string): Promise<Answer> {
    if (this.host.stdin.isTTY === true) {
      const text = this.pasted.shift()
      return text === undefined ? this.edit(prompt) : Promise.resolve({ kind: 'line', text })
    }
    this.lines ??= new LineQueue(this.host.stdin)
    return this.lines.next()
  }

  close(): void {
    this.editor?.close()
    this.lines?.close()
    this.host.stdin.pause()
  }

  private edit(prompt: string): Promise<Answer> {
    const { stdin: input, stdout: output } = this.host
    const editor = createInterface({ input, output, terminal: true, history: this.history, prompt })
    this.editor = editor
    return new Promise((resolve) => {
      let answer: Answer = { kind: 'end' }
      const finish = (kind: Answer): void => {
        answer = kind
        editor.close()
      }
      // `kill -INT` while a person is asked means the same as the key.
      const removeInterrupt = this.interrupts.add(() => finish({ kind: 'interrupt' }))
      editor.on('history', (history) => {
        this.history = [...history]
      })
      editor.on('line', (text) => {
        if (answer.kind === 'line') {
          this.pasted.push(text)
          return
        }
        answer = { kind: 'line', text }
        // A paste arrives as one piece, line after line: closing at once would drop what follows.
        setImmediate(() => {
          this.unfinished = editor.line
          editor.close()
        })
      })
      editor.once('SIGINT', () => finish({ kind: 'interrupt' }))
      editor.once('close', () => {
        removeInterrupt()
        this.editor = undefined
        if (answer.kind !== 'line') output.write('\n')
        resolve(answer)
      })
      editor.prompt()
      if (this.unfinished !== '') editor.write(this.unfinished)
      this.unfinished = ''
    })
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
