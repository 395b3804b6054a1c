/** `serve`: a model behind an HTTP server, from its start to its last answer. */
import type { Command } from 'commander'
import { platform } from '#platform'
import type { MistralChat } from '../chat/mistral-chat.ts'
import { AbortError } from '../errors.ts'
import type { HttpServer } from '../platform/types.ts'
import type { Refusal } from '../server/index.ts'
import type { Cli } from './context.ts'
import { loadChat } from './load.ts'
import type { Values } from './options.ts'
import { serveBanner } from './serve-banner.ts'
import { type ServeLog, serveLog } from './serve-log.ts'
import { addServeOptions, isLoopback, type ServeCommandOptions, serveOptions } from './serve-options.ts'

export function registerServe(program: Command, cli: Cli): void {
  const command = program
    .command('serve')
    .description("Serve a model over HTTP: OpenAI's routes under /v1, /predict, /health and /metrics.")
  addServeOptions(command)
    .addHelpText('after', HELP)
    .action((values: Values) => serve(cli, serveOptions(cli, values)))
}

async function serve(cli: Cli, options: ServeCommandOptions): Promise<void> {
  const log = serveLog(cli, options.log)
  // Other commands start sooner without it.
  const { createApp } = await import('../server/index.ts')
  const stop = stopSignal(cli)
  const { loaded, keep, fail } = promiseOfChat()
  const doors = new Doors()
  const app = createApp(loaded, { ...options.app, refuse: () => doors.refuse(), log: (record) => log.request(record) })
  let server: HttpServer | undefined
  let chat: MistralChat | undefined
  try {
    // Before the model: whoever starts this sees at once whether the address is free, and probes get an answer.
    server = await platform.serveHttp((request) => app.fetch(request), options)
    if (!isLoopback(options.host) && !options.app.apiKeys?.length) {
      log.event('warn', `everybody who reaches ${options.host} can use this server: it asks for no --api-key`)
    }
    log.event('info', `listening on ${server.url}, loading the model`)
    chat = await loadChat(cli, options.model, stop.signal, (text) => log.event('warn', text))
    keep(chat)
    await cli.terminal.out.write(serveBanner(cli, chat, server.url, options))
    await stop.asked
    await drain(server, doors, log, options.drainMs)
  } catch (error) {
    fail(error)
    // Being told to stop while the model loads is no failure.
    if (!(error instanceof AbortError && stop.signal.aborted)) throw error
  } finally {
    await server?.close(0)
    chat?.dispose()
    stop.release()
  }
}

async function drain(server: HttpServer, doors: Doors, log: ServeLog, drainMs: number): Promise<void> {
  doors.close()
  log.event('info', `stopping: running answers have ${drainMs / 1000} s to end; once more ends at once`)
  const cut = await server.close(drainMs)
  if (cut > 0) log.event('warn', `${cut} answers were cut off`)
  log.event('info', 'stopped')
}

/** Says which requests come too late. */
class Doors {
  private closed = false

  close(): void {
    this.closed = true
  }

  refuse(): Refusal | undefined {
    // Connections that are still open while the server drains bring requests, too.
    return this.closed ? SHUTTING_DOWN : undefined
  }
}

const SHUTTING_DOWN: Refusal = {
  status: 503,
  message: 'the server is shutting down',
  code: 'shutting_down',
  headers: { 'retry-after': '1', connection: 'close' },
}

interface StopSignal {
  readonly signal: AbortSignal
  readonly asked: Promise<void>
  release(): void
}

/** The first SIGTERM or Ctrl-C asks to stop; from then on the next one ends the process as usual. */
function stopSignal(cli: Cli): StopSignal {
  const controller = new AbortController()
  const release = cli.terminal.onTerminate(() => {
    release()
    controller.abort('asked to stop')
  })
  const { signal } = controller
  const asked = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  return { signal, asked, release }
}

/** The app is there before its model. */
function promiseOfChat() {
  let keep = (_chat: MistralChat): void => {}
  let fail = (_error: unknown): void => {}
  const loaded = new Promise<MistralChat>((resolve, reject) => {
    keep = resolve
    fail = reject
  })
  // The app listens to it; a failure is reported by the command as well.
  loaded.catch(() => {})
  return { loaded, keep, fail }
}

const HELP = `
Examples:
  $ mistral-webgpu serve
  $ mistral-webgpu serve -m ./Mistral-7B-Instruct-v0.3 --weights q4 --queue 16
  $ MISTRAL_WEBGPU_API_KEY=secret mistral-webgpu serve --host 0.0.0.0 --cors '*'
  $ mistral-webgpu serve --port 0 --log text

/health answers from the start: 503 "loading", then 200 "ready". SIGTERM and
Ctrl-C refuse new requests and let running answers end; a second one ends at
once.`
