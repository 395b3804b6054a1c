/** What the servers of all runtimes share. */
import type { ServeOptions } from './types.ts'

export const SERVE_DEFAULTS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 65_000,
  maxConnections: 1024,
} satisfies Partial<ServeOptions>

/** Says in words what the operating system's code means. */
export function listenFact(code: string | undefined, message: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program listens there; choose another port, or 0 for any that is free'
    case 'EACCES':
      return 'not allowed; ports below 1024 often need an administrator'
    case 'EADDRNOTAVAIL':
      return 'the address is not one of this machine'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host name'
    default:
      return message
  }
}

/** Where a program on this machine finds the server. */
export function serverUrl(host: string, port: number): string {
  const everywhere = host === '0.0.0.0' || host === '::' || host === ''
  const name = everywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}
