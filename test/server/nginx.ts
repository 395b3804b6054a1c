/** A real nginx with the configuration of examples/deploy. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { root } from '../support/child.ts'
import { freePort } from '../support/free-port.ts'
import { SOON } from '../support/patience.ts'

// Debian keeps it where the path of an ordinary user does not look.
const env = { ...process.env, PATH: [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter) }
export const hasNginx = spawnSync('nginx', ['-v'], { env }).error === undefined

export interface Nginx {
  readonly url: string
  readonly child: ChildProcess
}

/** Starts it in a folder of its own, in front of replicas at these two ports: the example as it stands but for its ports. */
export async function startNginx(folder: string, ports: readonly number[]): Promise<Nginx> {
  const port = await freePort()
  const example = readFileSync(join(root, 'examples/deploy/nginx.conf'), 'utf8')
  const config = example
    .replace('127.0.0.1:8081', `127.0.0.1:${ports[0]}`)
    .replace('127.0.0.1:8082', `127.0.0.1:${ports[1]}`)
    .replace('listen 127.0.0.1:8080', `listen 127.0.0.1:${port}`)
  writeFileSync(join(folder, 'nginx.conf'), config)
  const args = ['-p', folder, '-c', 'nginx.conf', '-g', 'daemon off;']
  const child = spawn('nginx', args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (data) => {
    complaints += data
  })
  const url = `http://127.0.0.1:${port}`
  for (const end = performance.now() + SOON.timeout; performance.now() < end; ) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${complaints}`)
    const answers = await fetch(`${url}/health`).then(
      () => true,
      () => false,
    )
    if (answers) return { url, child }
    await delay(50)
  }
  throw new Error(`nginx does not answer: ${complaints}`)
}
