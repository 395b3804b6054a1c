import type { Command } from 'commander'
import { type Cli, interruptible, note } from './context.ts'
import { COMMANDS, Conversation } from './conversation.ts'
import { loadChat } from './load.ts'
import { addModelOptions, addSamplingOptions, modelOptions, samplingParams, type Values } from './options.ts'

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
  const model = await interruptible(cli, (signal) => loadChat(cli, options, signal))
  try {
    if (model.templateOrigin === 'built-in') {
      await note(cli, "note: the model has no chat template of its own; Mistral's built-in one is used")
    }
    await new Conversation(cli, model, params, values.system as string | undefined).run()
  } finally {
    model.dispose()
  }
}

const HELP = `
While it runs:
  ${COMMANDS.replaceAll('\n', '\n  ')}

Examples:
  $ mistral-webgpu chat
  $ mistral-webgpu chat -m ./Mistral-7B-Instruct-v0.3 --weights q4 --system "Answer in French."
  $ printf 'Hello!\\nWhat did I say?\\n' | mistral-webgpu chat --no-sample`
