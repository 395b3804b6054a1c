/** The tree of commands, their help, and what is said about wrong usage. */
import { Command } from 'commander'
import pkg from '../../package.json' with { type: 'json' }
import { closestName } from '../closest-name.ts'
import { registerBench } from './bench.ts'
import { registerCache } from './cache.ts'
import { registerChat } from './chat.ts'
import { type Cli, colorsFor } from './context.ts'
import { registerDoctor } from './doctor.ts'
import { registerGenerate } from './generate.ts'
import { registerPerplexity } from './perplexity.ts'
import { registerPlan } from './plan.ts'
import { registerPull } from './pull.ts'
import { registerQuantize } from './quantize.ts'
import { registerServe } from './serve.ts'
import { lettersAdvice, suggestionFor } from './suggestions.ts'

/** The tree of commands. Nothing runs, and nothing is written, before it is given arguments to parse. */
export function createProgram(cli: Cli): Command {
  const { out, err } = cli.terminal
  const help = colorsFor(cli, 'out')
  const program = new Command('mistral-webgpu')
    .description('Mistral chat models on the GPU, through WebGPU: any safetensors or GGUF checkpoint, no conversion.')
    .version(pkg.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or the help of a command')
    .helpCommand('help [command]', 'Print this help, or the help of a command.')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      getOutHelpWidth: () => Math.min(out.columns, 100),
      getErrHelpWidth: () => Math.min(err.columns, 100),
      getOutHasColors: () => help.isColorSupported,
      getErrHasColors: () => colorsFor(cli, 'err').isColorSupported,
    })
    .configureHelp({ styleTitle: help.bold, styleCommandText: help.cyan, styleOptionText: help.cyan })
  program.hook('preAction', async (_, command) => {
    // What only reads and writes files needs no GPU.
    const isOfFiles = command.name() === 'pull' || command.parent?.name() === 'cache'
    if (!isOfFiles) await cli.terminal.wakeGpu()
  })
  registerGenerate(program, cli)
  registerChat(program, cli)
  registerServe(program, cli)
  registerPlan(program, cli)
  registerPull(program, cli)
  registerCache(program, cli)
  registerQuantize(program, cli)
  registerPerplexity(program, cli)
  registerBench(program, cli)
  registerDoctor(program, cli)
  program.addHelpText('after', EXAMPLES)
  for (const command of [program, ...program.commands]) explainErrors(cli.terminal.argv, program, command)
  return program
}

/** Says after an error of usage what was most likely meant, and where to look. */
function explainErrors(argv: readonly string[], program: Command, command: Command): void {
  const place = command === program ? '' : `${command.name()} `
  command.configureOutput({
    outputError(text, write) {
      const advice = adviceOn(text, argv, program, command)
      write(
        `${text}${advice === undefined ? '' : `${advice}\n`}("${program.name()} ${place}--help" lists what there is)\n`,
      )
    },
  })
}

function adviceOn(text: string, argv: readonly string[], program: Command, command: Command): string | undefined {
  const option = /unknown option '(.*)'/s.exec(text)?.[1]
  if (option !== undefined && command === program) {
    const owner = program.commands.find(({ options }) =>
      options.some(({ short, long }) => [short, long].includes(option.replace(/=.*$/s, ''))),
    )
    if (owner !== undefined)
      return `It belongs behind a command, as in: ${program.name()} ${owner.name()} ${option} ...`
  }
  const letters = lettersAdvice(argv, flagsOf(command))
  if (letters !== undefined) return letters
  if (option !== undefined) return suggestionFor(option, flagsOf(command), unlistedFlagsOf(command))
  const word = /unknown command '(.*)'/s.exec(text)?.[1]
  if (word !== undefined) return commandAdvice(word, program, command)
  if (/too many arguments for 'chat'/.test(text))
    return 'A question is typed once it runs; "generate TEXT" answers one.'
  return undefined
}

function commandAdvice(word: string, program: Command, command: Command): string {
  const names = command.commands.map((command) => command.name())
  const meant = (command === program ? COMMAND_NAMES[word] : undefined) ?? closestName(word, names)
  if (meant !== undefined) return `Did you mean ${meant}?`
  if (command !== program) return `The commands of ${command.name()} are ${names.join(', ')}.`
  return `The commands are ${names.join(', ')}. To have a text answered: ${program.name()} generate ${JSON.stringify(word)}`
}

/** The names of these commands in other programs. */
const COMMAND_NAMES: Readonly<Record<string, string>> = {
  run: 'chat',
  talk: 'chat',
  complete: 'generate',
  completion: 'generate',
  ask: 'generate',
  prompt: 'generate',
  server: 'serve',
  start: 'serve',
  benchmark: 'bench',
  ppl: 'perplexity',
  convert: 'quantize',
  export: 'quantize',
  download: 'pull',
  get: 'pull',
  list: 'cache',
  ls: 'cache',
  models: 'cache',
  rm: 'cache',
  remove: 'cache',
  info: 'doctor',
  check: 'doctor',
  estimate: 'plan',
  fit: 'plan',
  memory: 'plan',
}

/** The listed options of a command, with their dashes. */
export function flagsOf(command: Command): string[] {
  return command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])
}

/** The names that a command takes and does not list, but for those that differ from others in a `_` alone. */
function unlistedFlagsOf(command: Command): string[] {
  const flags = command.options.flatMap(({ hidden, long }) => (hidden && long ? [long] : []))
  return flags.filter((flag) => !flag.includes('_'))
}

const EXAMPLES = `
Examples:
  $ mistral-webgpu doctor    is there a GPU, and what can it run?
  $ mistral-webgpu chat      talk to the small model that ships with the package
  $ mistral-webgpu chat --model mistralai/Ministral-3-3B-Instruct-2512
  $ mistral-webgpu chat --model ./Mistral-7B-Instruct-v0.3 --weights q4
  $ mistral-webgpu generate --model model.gguf "Why is the sky blue?"
  $ cat notes.txt | mistral-webgpu generate "Summarize these notes:"
  $ mistral-webgpu serve     the API of OpenAI's clients, http://127.0.0.1:8080

Environment:
  MISTRAL_WEBGPU_DISABLE=shader-f16,subgroups  do without these GPU features
  MISTRAL_WEBGPU_API_KEY=secret                keys of "serve", commas between
  HF_TOKEN=hf_...                              for gated models of the Hub
  HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE
                                               as huggingface_hub has them
  NO_COLOR=1                                   no colours
  DEBUG=1                                      errors show where they come from

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 ended by Ctrl-C.`
