/** The HTTP API as a Hono app: its routes, who may use them, and what is answered when something fails. */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { getPath } from 'hono/utils/url'
import type { ChatModel } from '../chat/chat-model.ts'
import type { AnyRequest, AnyRequestInit, AnyResponse, AnyURL } from '../platform/globals.ts'
import { KeyCheck } from './auth.ts'
import { errorResponse, familyOf, HttpError, toHttpError } from './errors.ts'
import { requestId } from './ids.ts'
import { Metrics } from './metrics.ts'
import { type AppOptions, resolveOptions, withBodyLimit } from './options.ts'
import type { RequestRecord } from './records.ts'
import { ResponseStore } from './responses/store.ts'
import { ROUTES, type Route } from './routes.ts'
import { type AppContext, type AppEnv, ServedModel, type Service } from './service.ts'
import { RequestTrace } from './trace.ts'

/** `fetch` as clients call it: with a URL and options, or with a request. */
export interface Fetch {
  (input: string | AnyURL | AnyRequest, init?: AnyRequestInit): Promise<AnyResponse>
  /** The form in which servers call it: with what they know of the connection. */
  (request: AnyRequest, ...connection: readonly unknown[]): AnyResponse | Promise<AnyResponse>
}

/**
 * The app. Servers call its `fetch` with a request, clients as they call the global one; a Hono app of your own takes it
 * with `app.mount('/llm', mistral.fetch)`.
 */
export interface MistralApp {
  readonly fetch: Fetch
  /** Does what `fetch` does, without the rejections on abort. For tests. */
  request(input: string | AnyURL | AnyRequest, init?: AnyRequestInit): AnyResponse | Promise<AnyResponse>
}

/**
 * The HTTP API of a chat model: OpenAI's routes, the predict route, health and metrics. The app's `fetch` turns requests
 * into responses and knows nothing of sockets: any server can call it, a service worker too, or a client directly
 * (`new OpenAI({ apiKey: 'local', fetch: app.fetch })`).
 *
 * @param chat a loaded model, or the promise of one: until it is kept, routes answer 503 and `/health` says `loading`
 * @throws ParameterError for an option that is unknown or out of range
 */
export function createApp(chat: ChatModel | Promise<ChatModel>, options: AppOptions = {}): MistralApp {
  const model = new ServedModel(chat)
  const config = withBodyLimit(resolveOptions(options), options, () => model.ready?.contextLength)
  const service: Service = {
    config,
    model,
    metrics: new Metrics(),
    keys: new KeyCheck(config.apiKeys),
    responses: new ResponseStore(config.maxStoredResponses),
  }
  const app = new Hono<AppEnv>({ getPath: plainPath })
  app.use(traced(service))
  if (config.cors.length > 0) app.use(crossOrigin(config.cors))
  for (const routes of byPath(ROUTES)) addRoutes(app, routes, service)
  app.notFound((c) => refuse(c, refusal(c, service) ?? notFound(c)))
  app.onError((error, c) => refuse(c, error))
  return asFetch(app)
}

/** Base addresses of clients often end with a slash, or get one too many before what follows. */
function plainPath(request: Request): string {
  const path = getPath(request).replace(/\/{2,}/g, '/')
  return path.length > 1 ? path.replace(/\/$/, '') : path
}

/** Gives each request its id and its trace, and finishes the trace of answers that are whole. */
function traced({ config, metrics }: Service) {
  return async (c: AppContext, next: () => Promise<void>): Promise<void> => {
    const id = requestId(c.req.header('x-request-id'))
    const done = (record: RequestRecord, secondsPerToken: number | undefined) => {
      metrics.observe(record, secondsPerToken)
      // A logger that fails must not take answers with it.
      try {
        config.log(record)
      } catch {}
    }
    const head = { requestId: id, method: c.req.method, path: c.req.path }
    const trace = new RequestTrace(head, { logPrompts: config.logPrompts, done })
    c.set('trace', trace)
    c.set('family', familyOf(c.req.path, c.req.raw.headers))
    await next()
    c.res.headers.set('x-request-id', id)
    if (c.get('family') === 'anthropic') c.res.headers.set('request-id', id)
    c.res.headers.set('x-content-type-options', 'nosniff')
    if (!trace.deferred) trace.finish({ status: c.res.status })
  }
}

function crossOrigin(origins: readonly string[]) {
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'POST', 'DELETE'],
    exposeHeaders: ['x-request-id', 'request-id', 'retry-after'],
    maxAge: 600,
  })
}

/** Routes that differ in their method only stand together. */
function byPath(routes: readonly Route[]): Route[][] {
  const groups = new Map<string, Route[]>()
  for (const route of routes) groups.set(route.path, [...(groups.get(route.path) ?? []), route])
  return [...groups.values()]
}

/** The routes of one path, and what every other method gets there. */
function addRoutes(app: Hono<AppEnv>, routes: readonly Route[], service: Service): void {
  const { path, alias, promptField, open } = routes[0]!
  const methods = routes.map(({ method }) => method)
  const allow = methods.map((method) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ')
  const enter = async (c: AppContext) => {
    const trace = c.get('trace')
    trace.route = path.replace(/\{.*\}/, '')
    trace.promptField = promptField ?? trace.promptField
    const refused = refusal(c, service)
    if (refused !== undefined) throw refused
    // Asking what may be done is free, as it is for pages of other origins.
    if (c.req.method === 'OPTIONS' || open?.(service.config)) return
    await service.keys.check(c.req.raw.headers, c.get('family'))
  }
  for (const pattern of alias === undefined ? [path] : [path, alias]) {
    for (const { method, handle } of routes) {
      app.on(method, pattern, async (c) => {
        await enter(c)
        return handle(c, service)
      })
    }
    app.all(pattern, async (c) => {
      await enter(c)
      if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } })
      const message = `${c.req.path} takes ${methods.join(' and ')} only`
      throw new HttpError(405, message, { code: 'method_not_allowed', headers: { allow } })
    })
  }
}

function notFound(c: AppContext): HttpError {
  const routes = ROUTES.filter(({ path }) => !path.includes(':')).map(({ method, path }) => `${method} ${path}`)
  return new HttpError(404, `there is no route ${c.req.method} ${c.req.path}; there are ${routes.join(', ')}`, {
    type: 'not_found_error',
    code: 'route_not_found',
  })
}

/** Why the request is not taken at all: its owner does not want it, or it is for a name that is not the server's. */
function refusal(c: AppContext, { config }: Service): HttpError | undefined {
  const reason = config.refuse(c.req.raw)
  if (reason !== undefined) return new HttpError(reason.status, reason.message, reason)
  const { hostname } = new URL(c.req.url)
  if (config.allowedHosts.length === 0 || config.allowedHosts.includes(hostname)) return undefined
  return new HttpError(403, `this server does not answer for "${hostname}"; start it with --allowed-host ${hostname}`, {
    type: 'permission_error',
    code: 'host_not_allowed',
  })
}

function refuse(c: AppContext, error: unknown): Response {
  const trace = c.get('trace')
  const shown = toHttpError(error, trace.promptField)
  trace.failed(shown)
  return errorResponse(c.get('family'), shown, trace.requestId)
}

/** Lets the app's `fetch` be called as a client calls the global one, with its rejections on abort. */
function asFetch(app: Hono<AppEnv>): MistralApp {
  const handle = app.fetch
  const fetch = (input: string | URL | Request, ...rest: unknown[]): Response | Promise<Response> => {
    const isRequest = typeof input !== 'string' && !(input instanceof URL)
    // Servers pass what they know of the connection, or their bindings, where clients pass options.
    if (isRequest && !isRequestInit(rest[0])) return handle(input, ...(rest as []))
    const init = rest[0] as RequestInit | undefined
    return fetchInProcess(handle, isRequest ? input : new URL(input, 'http://localhost'), init)
  }
  return Object.assign(app, { fetch }) as unknown as MistralApp
}

function isRequestInit(value: unknown): value is RequestInit {
  if (typeof value !== 'object' || value === null) return false
  return ['signal', 'headers', 'body', 'method'].some((name) => name in value)
}

/** The signal of a copy follows that of its original, and Node forgets it with the original. So a copy keeps it. */
const originals = new WeakMap<Request, Request>()

async function fetchInProcess(
  handle: (request: Request) => Response | Promise<Response>,
  input: URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(input, init)
  if (input instanceof Request) originals.set(request, input)
  const { signal } = init
  if (!signal) return handle(request)
  signal.throwIfAborted()
  let stop: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([handle(request), aborted])
  } finally {
    if (stop) signal.removeEventListener('abort', stop)
  }
}
