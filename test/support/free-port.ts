/** Ports for programs that choose none themselves. */
import { createServer } from 'node:net'

/** Below those that systems give to whoever asks for any: no connection of another test can have come by it. */
const FIRST = 20_000
const COUNT = 12_000
let next = process.pid % COUNT

/** A port on which nobody listens. Each process looks for its own in another place. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + (next++ % COUNT)
    if (await isFree(port)) return port
  }
  throw new Error(`of 100 ports none is free, up to ${FIRST + (next % COUNT)}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
