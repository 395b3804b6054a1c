/** `mistral-webgpu serve` as a process of its own, from the sources. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './child.ts'
import { patience } from './patience.ts'

export interface ServeProcess {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** The lines of the log that are JSON. */
  log(): Record<string, unknown>[]
  /** Resolves when the text was written to standard output; rejects when the process ends before. */
  printed(text: string): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: string | null }>
  /** Sends the signal and waits for the end; kills it after a minute. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<{ code: number | null; signal: string | null }>
}

/** Resolves when it listens, which is before the model is there. */
export async function startServe(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<ServeProcess> {
  const main = join(root, 'src/cli/main.ts')
  const words = ['--conditions=mistral-webgpu-source', '--import', 'tsx', main, 'serve', '--port', '0', ...args]
  const child = spawn(process.execPath, words, { cwd: root, env: { ...process.env, ...env } })
  let out = ''
  let err = ''
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const watcher of watchers) watcher()
  }
  child.stdout.on('data', (data) => {
    out += data
    changed()
  })
  child.stderr.on('data', (data) => {
    err += data
    changed()
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal })
      changed()
    })
  })
  const seen = (find: () => string | undefined) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = find()
        if (found === undefined && child.exitCode === null && child.signalCode === null) return
        watchers.delete(look)
        if (found === undefined) reject(new Error(`serve ended with ${child.exitCode ?? child.signalCode}: ${err}`))
        else resolve(found)
      }
      watchers.add(look)
      look()
    })
  const url = await seen(() => /listening on (http:\/\/[^,\s]+)/.exec(err)?.[1])
  return {
    url,
    port: Number(new URL(url).port),
    child,
    stdout: () => out,
    stderr: () => err,
    log: () => jsonLines(err),
    printed: async (text) => void (await seen(() => (out.includes(text) ? text : undefined))),
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), patience(60_000))
      const end = await ended
      clearTimeout(timer)
      return end
    },
  }
}

/** As {@link startServe}, when the model is loaded. */
export async function startReady(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<ServeProcess> {
  const server = await startServe(args, env)
  await server.printed('curl -N')
  return server
}

function jsonLines(text: string): Record<string, unknown>[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}
