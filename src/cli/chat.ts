/** `chat`: a conversation at the prompt, or one question per line of a pipe. */
import type { Command } from 'commander'
import type { MistralChat } from '../chat/mistral-chat.ts'
import { CHAT_HELP } from './chat-commands.ts'
import { type Cli, colorsFor, interruptible, note } from './context.ts'
import { Conversation } from './conversation.ts'
import { loadChat, withAdapter } from './load.ts'
import { addModelOptions, modelOptions, type Values } from './options.ts'
import { addSamplingOptions, refuseManyAnswers, samplingParams } from './sampling-options.ts'
import { nameOf } from './serve-options.ts'

export function registerChat(program: Command, cli: Cli): void {
  const command = program
    .command('chat')
    .description('Talk to a model. It remembers the conversation; piped input is one question per line.')
    .optionsGroup('Conversation:')
    .option('--system <text>', 'what the model should know beforehand')
  addSamplingOptions(addModelOptions(command))
    .addHelpText('after', HELP)
    .action((values: Values) => chat(cli, values))
}

async function chat(cli: Cli, values: Values): Promise<void> {
  const options = modelOptions(values)
  const params = samplingParams(values)
  refuseManyAnswers(params)
  const model = await interruptible(cli, (signal) => loadChat(cli, options, signal))
  try {
    const name = nameOf(options.model)
    await cli.terminal.err.write(`${banner(cli, name, model)}\n`)
    if (model.templateOrigin === 'built-in' && options.chatFormat === undefined) {
      await note(cli, "note: the model has no chat template of its own; Mistral's built-in one is used")
    }
    const { contextLength } = model.model
    const facts = { name, contextLength, memory: () => model.status().memory }
    await new Conversation(cli, model, withAdapter(model, params), values.system as string | undefined, facts).run()
  } finally {
    model.dispose()
  }
}

/** The first line: what answers, how much it can keep in mind, and where it runs. */
function banner(cli: Cli, name: string, { model }: MistralChat): string {
  const { bold, dim } = colorsFor(cli, 'err')
  const facts = `, context ${model.contextLength} tokens, on ${model.loaded.gpu.name}`
  const room = cli.terminal.err.isTTY ? Math.max(cli.terminal.err.columns - name.length, 1) : facts.length
  return `${bold(name)}${dim(facts.length <= room ? facts : `${facts.slice(0, room - 1)}…`)}`
}

const HELP = `
While it runs:
  ${CHAT_HELP.replace(/\n(?=.)/g, '\n  ')}

Examples:
  $ mistral-webgpu chat
  $ mistral-webgpu chat -m ./Mistral-7B-Instruct-v0.3 --weights q4 --temp 0.7
  $ mistral-webgpu chat -m model.gguf --system "Answer in French."
  $ printf 'Hello!\\nWhat did I say?\\n' | mistral-webgpu chat --no-sample`
