/**
 * The terminal that the command line stands in: arguments, streams, questions, Ctrl-C. Node, Bun and Deno (through its
 * Node layer) all run it. Only `src/cli/` imports this file, so it is never part of a bundle for the browser.
 */
import type { EventEmitter } from 'node:events'
import { fstatSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { type Answer, InputText, Questions } from './terminal-input.ts'
import { wakeGpu } from './wake-gpu.ts'

export interface Terminal {
  /** The user's arguments, without runtime and script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** For bug reports: `node 20.19.0, linux x64`. */
  readonly runtime: string
  /** The file that was started, as the system knows it; empty when there is none. */
  readonly script: string
  /** A person types: `ask` edits a line. False for a pipe or a file. */
  readonly inputIsTTY: boolean
  /**
   * Standard input was given on purpose: by `|` or `<` of a shell. False for what programs and services start others with
   * and often never write to: a socket, the null device, a closed input.
   */
  readonly inputIsGiven: boolean
  readonly out: TerminalOutput
  readonly err: TerminalOutput
  /** Fires when nobody reads standard output any more (`… | head -1`): stop and end quietly. */
  readonly outputClosed: AbortSignal
  /** Begins to read the whole of standard input, as UTF-8, beside other work. Not together with `ask`. */
  startInput(): InputText
  /**
   * Writes the prompt (only when a person types) and waits for one line. Lines that are pasted together are one answer;
   * each but the first stands behind `more`.
   */
  ask(prompt: string, more?: string): Promise<Answer>
  /**
   * Writes a text file.
   * @param overwrite false: a file that is there stays, and the error says so
   */
  writeFile(path: string, text: string, options: { overwrite: boolean }): Promise<void>
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

/** What a terminal is made from: the process, or a stand-in with streams of its own. */
export interface TerminalHost {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly runtime: string
  readonly script: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly inputIsGiven: boolean
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
    script: process.argv[1] ?? '',
    stdin: process.stdin,
    inputIsGiven: isGiven(0),
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    setExitCode(code) {
      process.exitCode = code
    },
    wakeGpu,
  })
}

function isGiven(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor)
    return found.isFIFO() || found.isFile()
  } catch {
    return false
  }
}

export function createTerminal(host: TerminalHost): Terminal {
  const closed = new AbortController()
  const interrupts = new Interrupts(host.signals, 'SIGINT')
  const terminations = new Interrupts(host.signals, 'SIGTERM')
  const questions = new Questions(host, (call) => interrupts.add(call))
  return {
    argv: host.argv,
    env: host.env,
    runtime: host.runtime,
    script: host.script,
    inputIsGiven: host.inputIsGiven,
    inputIsTTY: host.stdin.isTTY === true,
    out: output(host.stdout, () => closed.abort()),
    err: output(host.stderr, () => undefined),
    outputClosed: closed.signal,
    startInput: () => new InputText(host.stdin),
    ask: (prompt, more = prompt) => questions.ask(prompt, more),
    writeFile: (path, text, { overwrite }) => writeFile(path, text, { flag: overwrite ? 'w' : 'wx' }),
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
