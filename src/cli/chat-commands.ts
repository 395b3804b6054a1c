/** Commands that can be typed in `chat` instead of a question: words that begin with a slash. */

import type { ChatCompletion } from '../chat/chat-model.ts'
import { closestName } from '../closest-name.ts'
import { MistralError, ParameterError } from '../errors.ts'
import type { ModelMemory } from '../model/memory.ts'
import { parseRequestParams, type SamplingInput } from '../sampling/request-params.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { type Cli, note } from './context.ts'
import { MULTILINE_HELP } from './question.ts'
import { readSetting, refuseManyAnswers, SETTING_NAMES } from './sampling-options.ts'
import { answerStats, memoryLine } from './stats.ts'

type Done = 'leave' | 'stay' | 'stopped'

/** The part of a conversation that commands see and change. */
export interface Talk {
  /** Parameters of the requests to come. */
  params: SamplingInput
  /** The system prompt. */
  system: string | undefined
  readonly messages: readonly ChatMessage[]
  /** The last answer, with its lengths and times. */
  readonly completion: ChatCompletion | undefined
  readonly model: { readonly name: string; readonly contextLength: number; memory?(): ModelMemory }
  regenerate(): Promise<'stay' | 'stopped'>
  reset(): void
}

interface ChatCommand {
  readonly names: readonly string[]
  readonly argument?: string
  readonly help: string
  run(cli: Cli, talk: Talk, argument: string): Promise<Done | undefined>
}

const COMMANDS: readonly ChatCommand[] = [
  {
    names: ['regenerate', 'retry'],
    help: 'answer the last question again',
    async run(cli, talk) {
      const { do_sample, temperature, seed } = talk.params
      const same =
        do_sample === false || temperature === 0 ? 'sampling is off' : seed == null ? undefined : 'a seed is set'
      if (same !== undefined) await note(cli, `${same}, so the answer will be the same; /set changes that`)
      return talk.regenerate()
    },
  },
  {
    names: ['system'],
    argument: 'TEXT',
    help: 'what the model should know beforehand; "none" takes it away',
    run: system,
  },
  {
    names: ['set'],
    argument: 'NAME VALUE',
    help: 'a parameter, as in /set seed 7; /set alone shows them',
    run: set,
  },
  { names: ['stats'], help: 'lengths and speeds of the last answer, memory of the model', run: stats },
  {
    names: ['save'],
    argument: 'FILE',
    help: 'write the conversation, as JSON where the name ends in .json',
    run: save,
  },
  {
    names: ['reset', 'clear', 'new'],
    help: 'forget the conversation',
    async run(cli, talk) {
      talk.reset()
      await note(cli, 'the conversation starts again')
      return undefined
    },
  },
  { names: ['help', '?'], help: 'this list', run: (cli) => say(cli, CHAT_HELP) },
  { names: ['exit', 'quit', 'bye'], help: 'leave (also Ctrl-D, or Ctrl-C twice)', run: async () => 'leave' },
]

/** Lists what can be typed, for `/help` and for the help of the command. */
export const CHAT_HELP = [
  ...COMMANDS.map(({ names, argument = '', help }) => `${`/${names[0]} ${argument}`.padEnd(17)} ${help}`),
  `${'Ctrl-C'.padEnd(17)} stop the answer; what was said of it is remembered`,
  '',
  MULTILINE_HELP,
].join('\n')

/**
 * Runs a command.
 * @returns undefined when the text is a question
 */
export async function runCommand(cli: Cli, talk: Talk, text: string): Promise<Done | undefined> {
  const [, word, argument] = /^\/([a-z?]+)(?:\s+([\s\S]*))?$/i.exec(text) ?? []
  if (word === undefined) return undefined
  const name = word.toLowerCase()
  const command = COMMANDS.find(({ names }) => names.includes(name))
  if (command !== undefined) return (await command.run(cli, talk, argument?.trim() ?? '')) ?? 'stay'
  const nearest = closestName(
    name,
    COMMANDS.flatMap(({ names }) => names),
  )
  // `/usr is what?` is a question.
  if (argument !== undefined && nearest === undefined) return undefined
  const meant = nearest === undefined ? '' : `; did you mean /${nearest}?`
  await note(cli, `/${word} is no command${meant || '; /help lists them'}`)
  return 'stay'
}

async function say(cli: Cli, text: string): Promise<undefined> {
  await note(cli, text)
}

async function system(cli: Cli, talk: Talk, argument: string): Promise<undefined> {
  if (argument === '') return say(cli, talk.system === undefined ? 'there is no system prompt' : talk.system)
  talk.system = /^none$/i.test(argument) ? undefined : argument
  return say(cli, talk.system === undefined ? 'the system prompt is gone' : 'the system prompt counts from now on')
}

async function set(cli: Cli, talk: Talk, argument: string): Promise<undefined> {
  // Ollama's users write `/set parameter NAME VALUE` and `/set system TEXT`.
  const [, name, value] = /^(?:parameter\s+)?(\S+)(?:\s+([\s\S]*))?$/.exec(argument) ?? []
  if (name === undefined) return say(cli, settings(talk.params))
  if (name === 'system') return system(cli, talk, value ?? '')
  const setting = readSetting(name, value ?? '')
  if (setting === undefined) {
    const nearest = closestName(name, SETTING_NAMES)
    return say(cli, `${name} is no parameter${nearest === undefined ? '' : `; did you mean ${nearest}?`}`)
  }
  const [parameter, read] = setting
  if (value === undefined) return say(cli, `${parameter} is ${shown(talk.params[parameter])}`)
  const { [parameter]: _, ...others } = talk.params
  const params: SamplingInput = /^(?:none|default)$/i.test(value) ? others : { ...others, [parameter]: read }
  try {
    parseRequestParams(params)
    refuseManyAnswers(params)
  } catch (error) {
    if (!(error instanceof MistralError)) throw error
    return say(cli, error instanceof ParameterError ? error.message.replace(/^parameter /, '') : error.message)
  }
  talk.params = params
  return say(cli, `${parameter} is ${shown(params[parameter])}`)
}

function settings(params: SamplingInput): string {
  const lines = Object.entries(params).map(([name, value]) => `${name} is ${shown(value)}`)
  return lines.length > 0 ? lines.join('\n') : 'nothing is set; /set NAME VALUE, as in /set temperature 0.5'
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'not set: its default counts'
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

async function stats(cli: Cli, { completion, model }: Talk): Promise<undefined> {
  if (completion === undefined) return say(cli, 'there is no whole answer yet')
  const used = `context ${completion.usage.total_tokens} of ${model.contextLength} tokens`
  const memory = model.memory === undefined ? '' : `\n${memoryLine(model.memory())}`
  return say(cli, `${answerStats(completion)}; ${used}${memory}`)
}

/** The files that this process wrote: they may be written again. */
const saved = new Set<string>()

async function save(cli: Cli, talk: Talk, argument: string): Promise<undefined> {
  const { terminal } = cli
  if (argument === '') return say(cli, 'name a file, as in /save talk.md, or talk.json for the body of a request')
  const home = terminal.env.HOME ?? terminal.env.USERPROFILE
  const path = home === undefined ? argument : argument.replace(/^~(?=[\\/])/, home)
  const text = path.endsWith('.json') ? asRequest(talk) : asText(talk)
  try {
    await terminal.writeFile(path, text, { overwrite: saved.has(path) })
  } catch (error) {
    const exists = (error as { code?: unknown }).code === 'EEXIST'
    return say(cli, exists ? `${path} is there already; choose another name` : `not saved: ${(error as Error).message}`)
  }
  saved.add(path)
  return say(cli, `saved in ${path}`)
}

/** Writes the request to the HTTP API that stands for the conversation. */
function asRequest({ model, messages, params }: Talk): string {
  const request = { model: model.name, messages, ...params }
  // JSON has integers of any size, JavaScript writes none of these.
  const text = JSON.stringify(request, (_, value) => (typeof value === 'bigint' ? `\u0000${value}` : value), 2)
  return `${text.replace(/"\\u0000(-?\d+)"/g, '$1')}\n`
}

function asText({ messages }: Talk): string {
  return messages.map(({ role, content }) => `## ${role}\n\n${String(content)}\n`).join('\n')
}
