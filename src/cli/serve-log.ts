/** The log of `serve`: one line for each request. */
import type { RequestRecord } from '../server/index.ts'
import type { Cli } from './context.ts'
import { colorsFor } from './context.ts'
import type { LogFormat } from './serve-options.ts'

/** The log of `serve` on standard error, besides its banner: a JSON object or a line of text for each record. */
export interface ServeLog {
  request(record: RequestRecord): void
  /** Something that the operator should know; written with `off`, too. */
  event(level: 'info' | 'warn' | 'error', message: string): void
}

export function serveLog(cli: Cli, format: LogFormat, now: () => Date = () => new Date()): ServeLog {
  const { err } = cli.terminal
  const colors = colorsFor(cli, 'err')
  const json = (fields: object) => {
    void err.write(`${escapeControls(JSON.stringify({ time: now().toISOString(), ...fields }))}\n`)
  }
  return {
    request(record) {
      // Probes come every few seconds, for as long as the server runs.
      if (record.status === 200 && PROBES.includes(record.route)) return
      const { level, ...facts } = record
      if (format === 'json') json({ level, event: 'request', ...rounded(facts) })
      else if (format === 'text') void err.write(`${textOf(record)}\n`)
    },
    event(level, message) {
      if (format === 'json') return json({ level, event: 'server', message })
      if (format === 'off' && level === 'info') return
      void err.write(`${level === 'info' ? colors.dim(message) : `${level}: ${message}`}\n`)
    },
  }
}

const PROBES: readonly string[] = ['/health', '/metrics']

/** Tenths of a millisecond are noise. */
function rounded(record: object): object {
  const round = (value: unknown) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value)
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, round(value)]))
}

/** `POST /v1/chat/completions 200 1234 ms, 12 + 50 tokens, first after 80 ms, stop`. */
function textOf(record: RequestRecord): string {
  const { method, path, status, durationMs, promptTokens, completionTokens, timeToFirstTokenMs } = record
  const parts = [`${method} ${oneLine(path)} ${status} ${Math.round(durationMs)} ms`]
  const tokens = [promptTokens, completionTokens].filter((count) => count !== undefined)
  if (tokens.length > 0) parts.push(`${tokens.join(' + ')} tokens`)
  if (timeToFirstTokenMs !== undefined) parts.push(`first after ${Math.round(timeToFirstTokenMs)} ms`)
  if (record.finishReasons?.length) parts.push(record.finishReasons.join(' '))
  if (record.aborted) parts.push('the client left')
  if (record.error !== undefined) parts.push(oneLine(record.error))
  if (record.prompt !== undefined) parts.push(oneLine(JSON.stringify(record.prompt)))
  return parts.join(', ')
}

/** JSON escapes the control characters of ASCII but the last; terminals obey those above it, too. */
function escapeControls(json: string): string {
  return json.replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
}

/** Input of clients must not be able to forge a line of the log, or to steer a terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
}
