import type { Command } from 'commander'
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { MistralChat } from '../chat/mistral-chat.ts'
import type { ChatRequest } from '../chat/request.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { type Cli, interruptible, note, printable, UsageError } from './context.ts'
import { loadChat } from './load.ts'
import { addModelOptions, addSamplingOptions, modelOptions, samplingParams, type Values } from './options.ts'
import { answerStats } from './stats.ts'

export function registerGenerate(program: Command, cli: Cli): void {
  const command = program
    .command('generate')
    .description('Answer one prompt and end. The text streams to standard output, everything else to standard error.')
    .optionsGroup('Prompt:')
    .requiredOption('-p, --prompt <text>', 'what to answer; "-" reads standard input')
    .option('--system <text>', 'what the model should know beforehand')
    .option('--raw', 'continue the prompt as it stands, without the chat template')
  addSamplingOptions(addModelOptions(command))
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object: text, token_ids, prompt_token_ids, finish_reason, usage, timings')
    .option('--stats', 'print lengths and speeds to standard error at the end')
    .addHelpText('after', EXAMPLES)
    .action((values: Values) => generate(cli, values))
}

async function generate(cli: Cli, values: Values): Promise<void> {
  const options = modelOptions(values)
  const params = samplingParams(values)
  const system = values.system as string | undefined
  const raw = values.raw === true
  if (raw && system !== undefined) throw new UsageError('--system needs the chat template, which --raw leaves out')
  const prompt = await promptText(cli, values.prompt as string)
  await interruptible(cli, async (signal) => {
    const chat = await loadChat(cli, options, signal)
    try {
      const continues = raw || (await continuesRaw(cli, chat, system))
      const request = { ...params, ...(continues ? { prompt } : { messages: conversation(system, prompt) }) }
      if (values.json === true) return await printJson(cli, chat, request, signal)
      // A continuation reads on from its prompt.
      const completion = await stream(cli, chat, request, { echo: continues ? prompt : '', signal })
      if (values.stats === true) await note(cli, answerStats(completion))
    } finally {
      chat.dispose()
    }
  })
}

interface StreamOptions {
  /** Printed in front of the answer. */
  readonly echo: string
  readonly signal: AbortSignal
}

async function stream(
  cli: Cli,
  chat: MistralChat,
  request: ChatRequest,
  options: StreamOptions,
): Promise<ChatCompletion> {
  const { out } = cli.terminal
  const chunks = chat.generate(request, { signal: options.signal })
  // Held back until the request has proved to be a good one.
  let pending = options.echo
  let last = '\n'
  try {
    for await (const chunk of chunks) {
      const text = pending + chunk.text
      pending = ''
      if (text !== '') {
        last = text
        await out.write(printable(cli, text))
      }
    }
    return await chunks.completion
  } finally {
    // Also after Ctrl-C: the shell's own prompt belongs on a line of its own.
    if (!last.endsWith('\n')) await out.write('\n')
  }
}

async function printJson(cli: Cli, chat: MistralChat, request: ChatRequest, signal: AbortSignal): Promise<void> {
  const { text, token_ids, prompt_token_ids, finish_reason, usage, timings } = await chat.complete(request, { signal })
  const result = { text, token_ids, prompt_token_ids, finish_reason, usage, timings }
  await cli.terminal.out.write(`${JSON.stringify(result)}\n`)
}

/** Without a chat template of its own, a model was most likely trained to continue text and not to answer. */
async function continuesRaw(cli: Cli, chat: MistralChat, system: string | undefined): Promise<boolean> {
  if (chat.templateOrigin === 'checkpoint') return false
  if (system !== undefined) {
    await note(cli, "note: the model has no chat template of its own; --system is written in Mistral's built-in one")
    return false
  }
  await note(cli, 'note: the model has no chat template of its own; the prompt is continued as it stands (--raw)')
  return true
}

function conversation(system: string | undefined, prompt: string): ChatMessage[] {
  const user = { role: 'user', content: prompt }
  return system === undefined ? [user] : [{ role: 'system', content: system }, user]
}

/** Of a piped prompt the last line break is left out: `echo` adds it, and no one means it. */
async function promptText(cli: Cli, prompt: string): Promise<string> {
  if (prompt !== '-') return prompt
  if (cli.terminal.inputIsTTY) await note(cli, 'reading the prompt from the keyboard; Ctrl-D ends it')
  return (await cli.terminal.readInput()).replace(/\r?\n$/, '')
}

const EXAMPLES = `
Examples:
  $ mistral-webgpu generate --prompt "Tell me about rivers."
  $ mistral-webgpu generate -m ./Mistral-7B-Instruct-v0.3 --weights q4 -p "Why?" --seed 7
  $ mistral-webgpu generate -m stories260K.gguf --raw --no-sample -p "Once upon a time"
  $ cat notes.txt | mistral-webgpu generate -p - --system "Summarize." --json

How sampling works: the temperature reshapes the probabilities, then top-k, top-p
and the others cut the tail, then a token is drawn. --no-sample, or a temperature
of 0, takes the best token each time and always gives the same text.`
