/** Runs a program as a user would, and waits for it to end by itself. */
import { type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { patience } from './patience.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface ChildResult {
  /** undefined when a signal ended it. */
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
  /** It had to be killed, since it did not end within the time allowed. */
  readonly hung: boolean
}

export interface ChildOptions {
  readonly cwd?: string
  readonly env?: Record<string, string | undefined>
  readonly input?: string
  /** Leaves standard input open after `input`, as a terminal does. */
  readonly inputStaysOpen?: boolean
  readonly timeoutMs?: number
}

export function runChild(file: string, args: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  const spawnOptions: SpawnOptions = {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
  }
  const child = spawn(file, args, spawnOptions)
  let stdout = ''
  let stderr = ''
  let hung = false
  child.stdout?.on('data', (data) => {
    stdout += data
  })
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  child.stdin?.on('error', () => undefined)
  if (options.inputStaysOpen) child.stdin?.write(options.input ?? '')
  else child.stdin?.end(options.input ?? '')
  const kill = () => {
    hung = true
    child.kill('SIGKILL')
  }
  const timer = setTimeout(kill, patience(options.timeoutMs ?? 30_000))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code: code ?? undefined, signal: signal ?? undefined, stdout, stderr, hung })
    })
  })
}

/** Runs TypeScript source in a Node process of its own, `#platform` meaning the sources. */
export function runModule(source: string, options: ChildOptions & { nodeArgs?: string[] } = {}): Promise<ChildResult> {
  const flags = [
    '--conditions=mistral-webgpu-source',
    '--import',
    'tsx',
    ...(options.nodeArgs ?? []),
    '--input-type=module',
    '-e',
  ]
  return runChild(process.execPath, [...flags, source], options)
}
