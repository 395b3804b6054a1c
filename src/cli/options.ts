/** Which model to load and how, as options. */
import { type Command, Option } from 'commander'
import { CHAT_FORMATS, type ChatFormat } from '../tokenizer/chat-format.ts'
import { UsageError } from './context.ts'

/** Values as commander hands them over, under the option's name in camel case. */
export type Values = Readonly<Record<string, unknown>>

/** The options that have nothing to do with chats. */
export interface PlainModelOptions {
  readonly model: string | undefined
  readonly weights: 'native' | 'q8' | 'q4' | undefined
  readonly kvCache: 'auto' | 'f16' | 'f32' | 'q8' | undefined
  readonly contextLength: number | 'auto' | undefined
  readonly maxMemory: number | undefined
  readonly slidingWindow: number | null | undefined
  /** Tells what the load takes before it fetches weights. */
  readonly verbose: boolean | undefined
}

export interface ModelOptions extends PlainModelOptions {
  readonly chatFormat: ChatFormat | undefined
  /** The path of a file with Jinja source. */
  readonly chatTemplate: string | undefined
  readonly neighbours: 'merge' | 'refuse' | undefined
  /** Sources of LoRA adapters, each as it is or as `name=source`. */
  readonly adapters: readonly string[] | undefined
}

/** The one of requests loads what they name; servers have it without those of requests. */
export function adapterOption(): Option {
  const help = "a LoRA adapter: PEFT's folder, a .gguf, or a URL of either; name=source names it (repeatable)"
  return new Option('--adapter <source>', help).argParser(collect)
}

export function addModelOptions(command: Command): Command {
  return addChatOptions(addPlainModelOptions(command))
}

/** The options that have nothing to do with chats. */
export function addPlainModelOptions(command: Command): Command {
  const contextLength = new Option(
    '-c, --context-length <n>',
    'tokens of prompt and answer together (default: auto, what the device and --max-memory hold)',
  )
  command
    .optionsGroup('Model:')
    .option(
      '-m, --model <source>',
      'a name on the Hugging Face Hub (owner/name, owner/name:Q4_K_M), a folder, a .gguf file, ollama:NAME, or a URL (default: the small model of the package)',
    )
    .addOption(new Option('--weights <type>', 'quantize while loading').choices(['native', 'q8', 'q4']))
    .addOption(new Option('--kv-cache <type>', 'type of the key/value cache').choices(['auto', 'f16', 'f32', 'q8']))
    .addOption(contextLength)
    .option('--max-memory <size>', 'memory of the GPU that the model may take, as in 6GB or 5.5GiB')
    .option('--sliding-window <n>', 'override the attention window of the checkpoint; "none" is full attention')
    .option('--verbose', 'say what the model takes of the GPU, and why, before weights are fetched')
  addAliases(command, contextLength, ['--context', '--context_length'])
  return command
}

function addChatOptions(command: Command): Command {
  return command
    .option('--chat-template <file>', "Jinja source to use instead of the checkpoint's own template")
    .addOption(
      new Option('--chat-format <version>', "a version of Mistral's own format instead of a template").choices(
        CHAT_FORMATS,
      ),
    )
    .addOption(
      new Option('--neighbours <what>', 'messages of one role beside each other (default: merge)').choices([
        'merge',
        'refuse',
      ]),
    )
}

export function modelOptions(values: Values): ModelOptions {
  return {
    ...plainModelOptions(values),
    chatFormat: values.chatFormat as ModelOptions['chatFormat'],
    chatTemplate: values.chatTemplate as string | undefined,
    neighbours: values.neighbours as ModelOptions['neighbours'],
    adapters: values.adapter as string[] | undefined,
  }
}

export function plainModelOptions(values: Values): PlainModelOptions {
  const window = values.slidingWindow
  return {
    model: values.model as string | undefined,
    weights: values.weights as ModelOptions['weights'],
    kvCache: values.kvCache as ModelOptions['kvCache'],
    contextLength: values.contextLength === 'auto' ? 'auto' : positiveInteger('--context-length', values.contextLength),
    maxMemory: bytesOption('--max-memory', values.maxMemory),
    slidingWindow: window === 'none' ? null : positiveInteger('--sliding-window', window, ' or "none"'),
    verbose: values.verbose as boolean | undefined,
  }
}

/** A size with a unit, `6GB` or `5.5 GiB`, in bytes; undefined when it was not given. Throws `UsageError`. */
export function bytesOption(flag: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const [, number, prefix = '', binary] = /^(\d+\.?\d*|\.\d+) ?(?:([kmgt])?(i)?b?)?$/i.exec(String(value).trim()) ?? []
  const power = ' kmgt'.indexOf(prefix.toLowerCase() || ' ')
  const size = Math.round(Number(number) * (binary === undefined ? 1000 : 1024) ** power)
  if (size >= 1 && Number.isSafeInteger(size) && (prefix !== '' || binary === undefined)) return size
  throw new UsageError(`option ${flag} ${JSON.stringify(value)} must be a size as in 6GB, 5.5GiB or 6000000000`)
}

function positiveInteger(flag: string, value: unknown, otherwise = ''): number | undefined {
  return integerOption(flag, value, { otherwise })
}

/** An option's value as an integer; undefined when it was not given. Throws `UsageError` naming flag and limits. */
export function integerOption(
  flag: string,
  value: unknown,
  { min = 1, max = Number.MAX_SAFE_INTEGER, otherwise = '' } = {},
): number | undefined {
  if (value === undefined) return undefined
  const number = numberOf(value)
  if (Number.isSafeInteger(number) && (number as number) >= min && (number as number) <= max) return number as number
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new UsageError(`option ${flag} ${JSON.stringify(value)} must be an integer ${range}${otherwise}`)
}

/** Other spellings of an option, which set the same value; of several that are given the last one counts. */
export function addAliases(command: Command, main: Option, aliases: readonly string[]): void {
  const attribute = main.attributeName()
  for (const alias of aliases) {
    const argument = main.required ? ` <${main.name()}>` : ''
    const option = new Option(`${alias}${argument}`).hideHelp()
    command.addOption(option)
    command.on(`option:${option.name()}`, (value: string | undefined) => {
      const before: unknown = command.getOptionValue(attribute)
      const parsed = main.parseArg === undefined ? (value ?? true) : main.parseArg(value ?? '', before)
      command.setOptionValueWithSource(attribute, parsed, 'cli')
    })
  }
}

/** For options that may stand several times: their values in order. */
export function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text]
}

/** A plain decimal number; anything else stays text, for the parameter's own rule to refuse and to show. */
export function numberOf(text: unknown): unknown {
  return typeof text === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text
}
