/** `generate`: one answer to one prompt. */
import type { Command } from 'commander'
import { unlessAborted } from '../async/abort.ts'
import type { MistralChat } from '../chat/mistral-chat.ts'
import type { ChatRequest } from '../chat/request.ts'
import type { SamplerKind } from '../kernels/sampler.ts'
import type { SamplingInput } from '../sampling/request-params.ts'
import type { ChatMessage } from '../tokenizer/chat-messages.ts'
import { AnswerPrinter } from './answer-printer.ts'
import { type Cli, interruptible, note, UsageError } from './context.ts'
import { loadChat, withAdapter } from './load.ts'
import { addModelOptions, modelOptions, type Values } from './options.ts'
import { readPrompt } from './prompt-input.ts'
import { addSamplingOptions, samplingParams } from './sampling-options.ts'
import { answerStats } from './stats.ts'
import { streamAnswer } from './stream-answer.ts'

export function registerGenerate(program: Command, cli: Cli): void {
  const command = program
    .command('generate')
    .usage('[options] [prompt...]')
    .description('Answer one prompt and end. The text streams to standard output, everything else to standard error.')
    .argument('[prompt...]', 'what to answer; standard input is added to it, or is the prompt when there is none')
    .optionsGroup('Prompt:')
    .option('-p, --prompt <text>', 'the same as an option; "-" reads standard input')
    .option('--system <text>', 'what the model should know beforehand')
    .option('--raw', 'continue the prompt as it stands, without the chat template')
    .option('--prompt-cache <file>', 'keep what was computed of the prompt in a file, and go on from it the next time')
  addSamplingOptions(addModelOptions(command))
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object: text, token_ids, prompt_token_ids, finish_reason, usage, timings')
    .option('--stats', 'print lengths and speeds to standard error at the end')
    .addHelpText('after', EXAMPLES)
    .action((words: string[], values: Values) => generate(cli, words, values))
}

async function generate(cli: Cli, words: readonly string[], values: Values): Promise<void> {
  const options = modelOptions(values)
  const params = samplingParams(values)
  const system = values.system as string | undefined
  const raw = values.raw === true
  const json = values.json === true
  if (raw && system !== undefined) throw new UsageError('--system needs the chat template, which --raw leaves out')
  const ownTemplate = options.chatFormat !== undefined || options.chatTemplate !== undefined
  if (raw && ownTemplate) throw new UsageError('--raw leaves the chat template out, so there is no use in another one')
  if (!json) refuseWithoutJson(params)
  const prompt = await readPrompt(cli, values.prompt as string | undefined, words)
  await interruptible(cli, async (signal) => {
    const chat = await loadChat(cli, { ...options, firstSampler: samplerOf(params) }, signal)
    try {
      const text = await unlessAborted(prompt(), signal)
      const continues = raw || (!ownTemplate && (await continuesRaw(cli, chat, system)))
      const request = {
        ...withAdapter(chat, params),
        ...(continues ? { prompt: text } : { messages: conversation(system, text) }),
      }
      const kept = values.promptCache as string | undefined
      if (kept !== undefined) await (await import('./prompt-cache.ts')).restorePrompt(cli, chat, kept, signal)
      if (json) await printJson(cli, chat, request, signal)
      else await print(cli, chat, request, { echo: continues ? text : '', stats: values.stats === true, signal })
      if (kept !== undefined) await (await import('./prompt-cache.ts')).savePrompt(chat, kept, request, signal)
    } finally {
      chat.dispose()
    }
  })
}

/** The kernels to begin with; where the model's own defaults ask for others, these compile when they are needed. */
function samplerOf({ do_sample, temperature, top_k }: SamplingInput): SamplerKind {
  if (do_sample === false || temperature === 0) return 'greedy'
  return top_k === 0 ? 'dense' : 'short'
}

/** Says what has no place in a text, so that nothing is left out silently. */
function refuseWithoutJson(params: SamplingInput): void {
  if ((params.n ?? 1) > 1) throw new UsageError('several answers (n) need --json, which prints them all')
  if (params.logprobs === true) throw new UsageError('logprobs need --json, which prints them')
}

interface PrintOptions {
  /** Printed in front of the answer: a continuation reads on from its prompt. */
  readonly echo: string
  readonly stats: boolean
  readonly signal: AbortSignal
}

async function print(cli: Cli, chat: MistralChat, request: ChatRequest, options: PrintOptions): Promise<void> {
  const printer = new AnswerPrinter(cli)
  // Held back until the request has proved to be a good one.
  let pending = options.echo
  const take = async (text: string, thought: string): Promise<void> => {
    await printer.think(thought)
    await printer.write(pending + text)
    pending = ''
  }
  try {
    const completion = await streamAnswer(chat, request, options.signal, take)
    await take('', '')
    await printer.end()
    if (options.stats) await note(cli, answerStats(completion))
  } finally {
    // Also after Ctrl-C: the shell's own prompt belongs on a line of its own.
    await printer.end()
  }
}

async function printJson(cli: Cli, chat: MistralChat, request: ChatRequest, signal: AbortSignal): Promise<void> {
  const completion = await chat.complete(request, { signal })
  const { text, reasoning_content, token_ids, prompt_token_ids, finish_reason, usage, timings } = completion
  const { choices, logprobs } = completion
  const result = {
    text,
    token_ids,
    prompt_token_ids,
    finish_reason,
    ...(reasoning_content !== null && { reasoning_content }),
    ...(request.logprobs === true && { logprobs }),
    ...(choices.length > 1 && { choices }),
    usage,
    timings,
  }
  await cli.terminal.out.write(`${JSON.stringify(result)}\n`)
}

/** Without a chat template of its own, a model was most likely trained to continue text and not to answer. */
async function continuesRaw(cli: Cli, chat: MistralChat, system: string | undefined): Promise<boolean> {
  if (chat.templateOrigin === 'checkpoint') return false
  if (chat.templateOrigin === 'vendor') {
    await note(
      cli,
      "note: the prompt is written in the format of the model's vocabulary; --raw continues it as it stands",
    )
    return false
  }
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

const EXAMPLES = `
Examples:
  $ mistral-webgpu generate "Tell me about rivers."
  $ git diff | mistral-webgpu generate "Write a commit message for this change:"
  $ mistral-webgpu generate -m ./Mistral-7B-Instruct-v0.3 -n 99 < task.txt
  $ mistral-webgpu generate -m stories260K.gguf --raw --no-sample "Once upon a"
  $ mistral-webgpu generate --system "Summarize." --json < notes.txt

How sampling works: the temperature reshapes the probabilities, then top-k,
top-p and the others cut the tail, then a token is drawn. --no-sample, or a
temperature of 0, takes the best token each time and always gives the same text.
Every parameter of the HTTP API is an option under its own name, as in
--max_tokens 100.`
