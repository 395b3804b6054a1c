/** Answers on their way. One at a time. */
import { signal } from '@preact/signals'
import {
  AbortError,
  type ChatChunk,
  type ChatCompletion,
  type ChatMessage,
  type ChatRequest,
  type TokenLogprob,
} from 'mistral-webgpu'
import { type Entry, type Numbers, pathTo, shown, type Token, withEntry } from './conversation.ts'
import { change, current } from './history.ts'
import { loaded } from './model.ts'
import { settings } from './settings.ts'

/** The answer that is being written; undefined while there is none. */
export const live = signal<Entry | undefined>(undefined)
export const askError = signal<string | undefined>(undefined)

let controller: AbortController | undefined

/** Alternatives that are brought for each token. */
const ALTERNATIVES = 6

/** Says something at the end of the conversation, and answers it. */
export async function ask(text: string): Promise<void> {
  const last = shown(current.value).at(-1)
  await say(text, last?.id)
}

/** Another answer to the same. */
export async function regenerate({ parent }: Entry): Promise<void> {
  await answer(parent)
}

/** The same question in other words: a branch beside it. */
export async function edit({ parent }: Entry, text: string): Promise<void> {
  await say(text, parent)
}

/** Goes on from an answer's token with another in its place: a branch beside the answer. */
export async function goOnWith(
  { parent, tokens = [], promptIds }: Entry,
  index: number,
  alternative: Token['top'][number],
): Promise<void> {
  if (promptIds === undefined || live.value !== undefined) return
  const before = tokens.slice(0, index)
  const first: Token = { ...alternative, top: tokens[index]!.top }
  const ids = [...promptIds, ...before.map(({ id }) => id), alternative.id]
  await write(parent, { prompt: ids }, { tokens: [...before, first], promptIds })
}

export function stop(): void {
  controller?.abort()
}

async function say(text: string, parent: string | undefined): Promise<void> {
  if (live.value !== undefined || loaded.value === undefined) return
  const question: Entry = { id: crypto.randomUUID(), parent, role: 'user', text }
  keep(question)
  await answer(question.id)
}

function keep(entry: Entry): void {
  current.value = withEntry(current.value, entry)
  change(current.value.id, (same) => same)
}

async function answer(parent: string | undefined): Promise<void> {
  const path = pathTo(current.value, parent)
  if (loaded.value?.raw) return write(parent, { prompt: path.at(-1)?.text ?? '' })
  const system = settings.system.value.trim()
  const messages: ChatMessage[] = path.map(({ role, text }) => ({ role, content: text }))
  if (system !== '') messages.unshift({ role: 'system', content: system })
  await write(parent, { messages })
}

/** @param begun what the answer has already, when it goes on from there */
async function write(
  parent: string | undefined,
  prompt: Partial<ChatRequest>,
  begun: Partial<Entry> = {},
): Promise<void> {
  const model = loaded.value
  if (model === undefined || live.value !== undefined) return
  askError.value = undefined
  const conversation = current.value.id
  const own = new AbortController()
  controller = own
  const draft = new Draft(parent, begun)
  live.value = draft.entry()
  let end: Partial<Entry> = {}
  try {
    const request = { ...settings.request(), ...prompt, logprobs: true, top_logprobs: ALTERNATIVES } as ChatRequest
    const stream = model.chat.generate(request, { signal: own.signal })
    for await (const chunk of stream) {
      draft.add(chunk)
      await nextFrame(draft)
    }
    end = draft.end(await stream.completion)
  } catch (error) {
    const aborted = error instanceof AbortError
    end = { end: aborted ? 'stopped' : 'failed' }
    if (!aborted) askError.value = (error as Error).message
  }
  const finished = { ...draft.entry(), ...end }
  live.value = undefined
  // What failed before its first word is only told, not kept.
  if (finished.end !== 'failed' || finished.text !== '') change(conversation, (before) => withEntry(before, finished))
}

let drawn = 0
/** Shows a draft at most once a frame: a fast model writes more tokens than a screen has frames. */
async function nextFrame(draft: Draft): Promise<void> {
  if (performance.now() - drawn < 16) return
  drawn = performance.now()
  live.value = draft.entry()
}

/** An entry that grows. */
class Draft {
  private readonly id = crypto.randomUUID()
  private readonly tokens: Token[]
  private readonly arrivals: number[] = []
  private readonly start = performance.now()
  private text: string
  private reasoning = ''

  constructor(
    private readonly parent: string | undefined,
    private readonly begun: Partial<Entry>,
  ) {
    this.tokens = [...(begun.tokens ?? [])]
    this.text = this.tokens.map(({ text }) => text).join('')
  }

  add(chunk: ChatChunk): void {
    this.text += chunk.text
    this.reasoning += chunk.reasoning_content ?? ''
    this.tokens.push(...(chunk.logprobs ?? []).map(tokenOf))
    const at = performance.now() - this.start
    for (const _ of chunk.token_ids) this.arrivals.push(at)
  }

  entry(): Entry {
    const { id, parent, text, reasoning } = this
    const thought = reasoning === '' ? {} : { reasoning }
    const arrivals = [...this.arrivals]
    return {
      id,
      parent,
      role: 'assistant',
      text,
      ...thought,
      tokens: [...this.tokens],
      numbers: { ...NOTHING, answerTokens: arrivals.length, arrivals },
    }
  }

  end({ usage, timings, prompt_token_ids, finish_reason }: ChatCompletion): Partial<Entry> {
    return {
      promptIds: this.begun.promptIds ?? prompt_token_ids,
      end: finish_reason,
      numbers: {
        promptTokens: usage.prompt_tokens,
        cachedTokens: usage.cached_tokens,
        answerTokens: usage.completion_tokens,
        prefillMs: timings.prefillMs,
        prefillPerSecond: timings.prefillTokensPerSecond,
        decodePerSecond: timings.decodeTokensPerSecond,
        arrivals: [...this.arrivals],
      },
    }
  }
}

const NOTHING: Numbers = {
  promptTokens: 0,
  cachedTokens: 0,
  answerTokens: 0,
  prefillMs: 0,
  prefillPerSecond: 0,
  decodePerSecond: 0,
  arrivals: [],
}

function tokenOf({ token, token_id, logprob, top_logprobs }: TokenLogprob): Token {
  const top = top_logprobs.map((one) => ({ id: one.token_id, text: one.token, logprob: one.logprob }))
  return { id: token_id, text: token, logprob, top }
}
