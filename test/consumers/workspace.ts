/** A folder outside the repository with the packed package in it, where consumers are installed as users install theirs. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../support/child.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export interface Finished {
  readonly code: number
  /** Both streams, as they came. */
  readonly output: string
}

export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-consumers-'))
  readonly tarball = join(this.folder, 'mistral-webgpu.tgz')

  /** Builds the package and packs it. */
  async pack(): Promise<void> {
    await must(run('npm run build', root))
    await must(run(`npm pack --pack-destination ${JSON.stringify(this.folder)}`, root))
    const packed = readdirSync(this.folder).find((name) => name.endsWith('.tgz'))
    if (packed === undefined) throw new Error('npm pack left no tarball')
    renameSync(join(this.folder, packed), this.tarball)
  }

  /** Copies a consumer, and files that it shares with others, here and installs what it needs. Returns where it is. */
  async install(name: string, shared: string | undefined): Promise<string> {
    const folder = join(this.folder, name)
    if (shared !== undefined) cpSync(join(here, 'shared', shared), folder, { recursive: true })
    cpSync(join(here, name), folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
    await must(run('npm install --no-audit --no-fund --no-package-lock', folder))
    return folder
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Runs a shell command to its end. */
export function run(command: string, cwd: string, env: Record<string, string> = {}): Promise<Finished> {
  const child = spawn(command, { cwd, env: { ...process.env, ...env }, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** @throws Error with what the command printed when it failed */
export async function must(finished: Promise<Finished>): Promise<Finished> {
  const result = await finished
  if (result.code !== 0) throw new Error(`ended with ${result.code}:\n${result.output.trim()}`)
  return result
}

/** A server that runs until it is stopped. */
export interface Server {
  readonly origin: string
  stop(): Promise<void>
}

/** Starts a shell command that listens on `PORT`, and waits for its first answer. */
export async function serve(command: string, cwd: string, port: number): Promise<Server> {
  const origin = `http://127.0.0.1:${port}`
  // A process group of its own: npm and npx stand between us and the server.
  const env = { ...process.env, PORT: String(port) }
  const child = spawn(command, { cwd, env, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  let ended = false
  const end = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void end.then(() => (ended = true))
  const stop = async () => {
    if (!ended && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    await end
  }
  while (!(await answers(origin))) {
    if (ended) throw new Error(`${command} ended before it listened:\n${output.trim()}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return { origin, stop }
}

async function answers(origin: string): Promise<boolean> {
  return fetch(origin).then(
    (response) => response.ok,
    () => false,
  )
}
