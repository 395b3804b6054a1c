/** The options of `createApp`, their defaults and limits. */
import { type Checks, callback, check, checkOptions, filledText, flag, integer, isInteger, oneOf } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import type { AnyRequest } from '../platform/globals.ts'
import { hostnameOf } from './hosts.ts'
import type { RequestRecord } from './records.ts'

/** Why a request is not taken; the answer says it in the form that the route's clients read. */
export interface Refusal {
  /** 403, 503 and the like. */
  readonly status: number
  readonly message: string
  /** For programs, such as `shutting_down`. */
  readonly code: string
  /** OpenAI's class of the error. Default: by the status. */
  readonly type?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface AppOptions {
  /** The name under which `/v1/models` lists the model and answers carry it. Default `mistral`. */
  modelId?: string | undefined
  /**
   * Refuse requests for any other model with a 404. Default false: one model runs here, and it answers whatever name a
   * client was configured with, as llama.cpp's server does; the answer says `modelId`.
   */
  strictModel?: boolean | undefined
  /** When the model came to be, in seconds since 1970. Default: now. */
  created?: number | undefined
  /** Any of them opens the routes; `/`, `/health` and, with `metricsOpen`, `/metrics` need none. Default: no route does. */
  apiKeys?: readonly string[] | undefined
  /** Origins whose pages may call: exact ones such as `https://example.com`, or `*`. Default: none. */
  cors?: readonly string[] | undefined
  /**
   * Names that requests may be for, such as `localhost` and `127.0.0.1`; others get a 403. For servers on a user's own
   * machine: a foreign page can make its own name point there (DNS rebinding), and the browser then takes the server for
   * the page's own. Default: none, which takes every name.
   */
  allowedHosts?: readonly string[] | undefined
  /** Largest request body in bytes. Default 1 MiB, or 16 bytes for each token of a context that is longer than that. */
  bodyLimitBytes?: number | undefined
  /** Largest `max_tokens` of the predict route, which counts the prompt. Default 4096. */
  maxTokens?: number | undefined
  /** Ignore unknown fields of a request instead of refusing them. Default false. */
  lenient?: boolean | undefined
  /**
   * Responses that `/v1/responses` keeps in memory for requests that go on from them, the latest ones; 0 keeps none.
   * Default 256.
   */
  maxStoredResponses?: number | undefined
  /** Serve `/metrics`. Default true. */
  metrics?: boolean | undefined
  /** Serve `/metrics` without a key: collectors often have none to send. Default false. */
  metricsOpen?: boolean | undefined
  /** Asked first, for every request: why it is not taken; undefined takes it. Default: all are taken. */
  refuse?: ((request: AnyRequest) => Refusal | undefined) | undefined
  /** Gets one record per request, when its answer has ended. */
  log?: ((record: RequestRecord) => void) | undefined
  /** Put the messages or the prompt into the records. Default false. */
  logPrompts?: boolean | undefined
  /** The predict route answers with a bare JSON string, or with `{"output": …}`. Default `string`. */
  predictOutput?: 'string' | 'object' | undefined
  /** A request body must have come within this time. Default 30 s. */
  bodyTimeoutMs?: number | undefined
  /** A client that takes nothing of a ready stream for this long is dropped. Default 120 s. */
  idleTimeoutMs?: number | undefined
  /** Comments keep an event stream alive that has nothing to say for this long. Default 15 s. */
  keepAliveMs?: number | undefined
}

/** Options with their defaults. */
export type AppConfig = { readonly [K in keyof AppOptions]-?: Exclude<AppOptions[K], undefined> }

const DEFAULTS: Omit<AppConfig, 'created'> = {
  modelId: 'mistral',
  strictModel: false,
  apiKeys: [],
  cors: [],
  allowedHosts: [],
  bodyLimitBytes: 1024 * 1024,
  maxTokens: 4096,
  lenient: false,
  maxStoredResponses: 256,
  metrics: true,
  metricsOpen: false,
  refuse: () => undefined,
  log: () => {},
  logPrompts: false,
  predictOutput: 'string',
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 120_000,
  keepAliveMs: 15_000,
}

/** @throws ParameterError naming the option */
export function resolveOptions(options: AppOptions): AppConfig {
  checkOptions(withoutKeys(options), CHECKS)
  const fault = texts(options.apiKeys ?? [])
  if (fault !== undefined) throw new ParameterError('apiKeys', '…', `must be ${fault.allowed}`)
  const config: AppConfig = { created: Math.floor(Date.now() / 1000), ...DEFAULTS, ...definedOnly(options) }
  for (const origin of config.cors) checkOrigin(origin)
  const allowedHosts = config.allowedHosts.map(hostOption)
  if (config.apiKeys.length > 0 && globalThis.crypto?.subtle === undefined) {
    throw new ParameterError('apiKeys', '…', 'need crypto.subtle, which a page has in secure contexts only')
  }
  return { ...config, allowedHosts }
}

/** Bytes of a body for each token of the context: JSON's escapes and fields included. */
const BYTES_PER_TOKEN = 16

/** The options, but unless it was set the limit of bodies is one that whole contexts fit in, once the model tells its own. */
export function withBodyLimit(
  config: AppConfig,
  { bodyLimitBytes }: AppOptions,
  contextLength: () => number | undefined,
): AppConfig {
  if (bodyLimitBytes !== undefined) return config
  return {
    ...config,
    get bodyLimitBytes() {
      return Math.max(config.bodyLimitBytes, BYTES_PER_TOKEN * (contextLength() ?? 0))
    },
  }
}

/** Keys stay out of messages. */
function withoutKeys(options: unknown): unknown {
  return typeof options === 'object' && options !== null ? { ...options, apiKeys: undefined } : options
}

function definedOnly<T extends object>(options: T): Partial<AppConfig> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<AppConfig>
}

/** Timers hold their time in 31 bits; one that is set to more fires at once. */
const timeout = integer(1, 2 ** 31 - 1)
const count = integer(1)
const texts = check(
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''),
  'a list of texts that are not empty',
)

const CHECKS: Checks<AppOptions> = {
  modelId: filledText,
  strictModel: flag,
  created: check((value) => isInteger(value, 0), 'whole seconds since 1970'),
  apiKeys: texts,
  cors: texts,
  allowedHosts: texts,
  bodyLimitBytes: count,
  maxTokens: count,
  lenient: flag,
  maxStoredResponses: integer(0),
  metrics: flag,
  metricsOpen: flag,
  refuse: callback,
  log: callback,
  logPrompts: flag,
  predictOutput: oneOf('string', 'object'),
  bodyTimeoutMs: timeout,
  idleTimeoutMs: timeout,
  keepAliveMs: timeout,
}

function hostOption(name: string): string {
  const host = hostnameOf(name)
  if (host === undefined) {
    throw new ParameterError(
      'allowedHosts',
      name,
      'must hold host names such as "localhost", without a scheme or a path',
    )
  }
  return host
}

/** An origin with a path or a slash at its end would never match what a browser sends. */
function checkOrigin(origin: string): void {
  if (origin === '*' || origin === 'null') return
  let exact: string | undefined
  try {
    exact = new URL(origin).origin
  } catch {}
  // Schemes of browser extensions and the like have the origin "null" there, and are compared as they are.
  if (exact === undefined || (exact !== 'null' && exact !== origin)) {
    throw new ParameterError('cors', origin, 'must hold origins such as "https://example.com", or "*"')
  }
}
