/** The options of `serve`. */
import { type Command, Option } from 'commander'
import { sourceName } from '../formats/source-name.ts'
import { hostnameOf } from '../server/hosts.ts'
import type { AppOptions } from '../server/index.ts'
import { type Cli, UsageError } from './context.ts'
import type { BatchOptions } from './load.ts'
import {
  adapterOption,
  addModelOptions,
  collect,
  integerOption,
  type ModelOptions,
  modelOptions,
  type Values,
} from './options.ts'

export type LogFormat = 'json' | 'text' | 'off'

export interface ServeCommandOptions {
  readonly model: ModelOptions & BatchOptions
  readonly host: string
  readonly port: number
  readonly app: AppOptions & { readonly modelId: string }
  readonly log: LogFormat
  readonly drainMs: number
}

/** Conversations that are decoded together unless told otherwise; each takes a cache of its own. */
const SEQUENCES = 4
const QUEUE = 64

export function addServeOptions(command: Command): Command {
  return addModelOptions(command)
    .addOption(adapterOption())
    .option('--max-sequences <n>', `requests that are worked on together, each with a cache (default: ${SEQUENCES})`)
    .option('--queue <n>', `requests that may wait; one more gets a 429 (default: ${QUEUE})`)
    .option('--name <id>', "the model's name in answers and in /v1/models (default: from its file or folder)")
    .optionsGroup('Network:')
    .option('--host <address>', 'where to listen; 0.0.0.0 is every interface (default: 127.0.0.1, this machine only)')
    .option('--port <n>', 'port; 0 takes any that is free (default: 8080)')
    .addOption(
      new Option(
        '--api-key <key>',
        'ask for this key (repeatable; MISTRAL_WEBGPU_API_KEY hides it from `ps`)',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--cors <origin>',
        'pages of this origin may call, as in https://example.com; or * (repeatable)',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--allowed-host <name>',
        'without a key, on this machine only: answer requests for this name too (repeatable)',
      ).argParser(collect),
    )
    .option('--drain-seconds <n>', 'on SIGTERM and Ctrl-C, time for running answers to end (default: 30)')
    .optionsGroup('Requests:')
    .option('--max-tokens <n>', 'largest max_tokens of /predict, which counts the prompt (default: 4096)')
    .addOption(new Option('--predict-output <form>', 'answers of /predict').choices(['string', 'object']))
    .option('--max-stored-responses <n>', 'answers that /v1/responses keeps in memory to go on from (default: 256)')
    .option('--lenient', 'ignore fields that are not known instead of refusing them')
    .optionsGroup('Output:')
    .option('--metrics', 'serve /metrics for Prometheus (on unless --no-metrics)')
    .option('--no-metrics')
    .option('--metrics-open', 'serve /metrics without the key, for collectors that have none')
    .addOption(
      new Option(
        '--log <form>',
        'one line for each request but probes that find all well, on standard error (default: json)',
      ).choices(LOGS),
    )
    .option('--log-prompts', 'put what users wrote into the log')
}

const LOGS: readonly LogFormat[] = ['json', 'text', 'off']

/** Throws `UsageError`. */
export function serveOptions(cli: Cli, values: Values): ServeCommandOptions {
  const model = modelOptions(values)
  const host = (values.host as string | undefined) ?? '127.0.0.1'
  const apiKeys = [...((values.apiKey as string[] | undefined) ?? []), ...keysOf(cli)]
  const allowedHosts = ((values.allowedHost as string[] | undefined) ?? []).map(allowedHost)
  const maxTokens = integerOption('--max-tokens', values.maxTokens)
  const stored = integerOption('--max-stored-responses', values.maxStoredResponses, { min: 0 })
  return {
    model: {
      ...model,
      maxSequences: integerOption('--max-sequences', values.maxSequences, { max: 1024 }) ?? SEQUENCES,
      maxQueue: integerOption('--queue', values.queue, { min: 0 }) ?? QUEUE,
    },
    host,
    port: integerOption('--port', values.port, { min: 0, max: 65535 }) ?? 8080,
    drainMs: 1000 * (integerOption('--drain-seconds', values.drainSeconds, { min: 0, max: 86_400 }) ?? 30),
    log: (values.log as LogFormat | undefined) ?? 'json',
    app: {
      modelId: (values.name as string | undefined) ?? nameOf(model.model),
      apiKeys,
      cors: (values.cors as string[] | undefined) ?? [],
      // Without a key, nothing but the name tells a program on this machine from a page of somebody else's.
      allowedHosts: isLoopback(host) && apiKeys.length === 0 ? [...LOCAL_NAMES, host, ...allowedHosts] : [],
      lenient: values.lenient === true,
      metrics: values.metrics !== false,
      metricsOpen: values.metricsOpen === true,
      logPrompts: values.logPrompts === true,
      ...(maxTokens !== undefined && { maxTokens }),
      ...(stored !== undefined && { maxStoredResponses: stored }),
      ...(values.predictOutput !== undefined && { predictOutput: values.predictOutput as 'string' | 'object' }),
    },
  }
}

const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]']

function allowedHost(name: string): string {
  const host = hostnameOf(name)
  if (host !== undefined) return host
  throw new UsageError(
    `option --allowed-host ${JSON.stringify(name)} must be a host name such as my.example, without a scheme or a path`,
  )
}

/** Keys in the environment, which may hold several, with commas between them. */
export function keysOf(cli: Cli): string[] {
  const words = (cli.terminal.env.MISTRAL_WEBGPU_API_KEY ?? '').split(',').map((word) => word.trim())
  return words.filter((word) => word !== '')
}

/** A model's name where none was given. */
export function nameOf(source: string | undefined): string {
  return source === undefined ? 'pocket' : (sourceName(source) ?? 'mistral')
}

/** Only programs on this machine reach the server. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
