import { AbortError, ParameterError } from '../../src/errors.ts'
import { type ChatChunk, type ChatCompletion, ChatStream } from '../../src/index.ts'
import { plainJson } from '../../src/json/value.ts'
import { type AppOptions, type ChatModel, createApp, type MistralApp } from '../../src/server/index.ts'

type Piece = ChatChunk
type Completion = ChatCompletion

/** What the model says next, how long it takes, or how it fails. */
export type Step = Partial<Piece> | { wait: number } | { fail: unknown }

export interface FakeChat extends ChatModel {
  /** What the app asked for, in order. */
  readonly requests: Record<string, unknown>[]
  /** Requests that are in the middle of an answer. */
  readonly running: number
  /** Pieces taken so far. */
  readonly taken: number
}

const STATUS = {
  waiting: 2,
  maxSequences: 4,
  maxQueue: Infinity,
  contextLength: 8192,
  gpuBytes: 12345,
  memory: { weights: 10000, cache: 2000, workspace: 345, adapters: 0, tensors: 9990 },
  cachedTokens: 3,
  promptTokens: 40,
  generatedTokens: 17,
}

/** What a piece is that the script says nothing of. */
const PLAIN = {
  index: 0,
  text: '',
  reasoning_content: null,
  token_ids: [7],
  logprobs: null,
  tool_calls: null,
  finish_reason: null,
}

/** A chat whose answers are written down: for what a trained model gives only by chance, or never. */
export function fakeChat(script: Step[] | ((request: Record<string, unknown>) => Iterable<Step>)): FakeChat {
  const state = { running: 0, taken: 0 }
  const requests: Record<string, unknown>[] = []
  async function* generate(
    request: Record<string, unknown>,
    { signal }: { signal?: AbortSignal | undefined },
  ): AsyncGenerator<Piece, Completion, undefined> {
    requests.push(request)
    const { max_length: most } = request
    const { length } = encode(request)
    if (typeof most === 'number' && length >= most) {
      throw new ParameterError('max_length', most, `must be above the prompt's ${length} tokens`)
    }
    state.running++
    const whole = new Map<number, { text: string; piece: Piece }>()
    let tokens = 0
    try {
      for (const step of typeof script === 'function' ? script(request) : script) {
        if (signal?.aborted) throw new AbortError(signal.reason)
        if ('fail' in step) throw step.fail
        if ('wait' in step) {
          await pause(step.wait, signal)
          continue
        }
        const piece = { ...PLAIN, ...step }
        tokens += piece.token_ids.length
        const before = whole.get(piece.index)
        whole.set(piece.index, { text: (before?.text ?? '') + piece.text, piece: joined(before?.piece, piece) })
        state.taken++
        yield piece
      }
      return completion(whole, tokens)
    } finally {
      state.running--
    }
  }
  return {
    requests,
    get running() {
      return state.running
    },
    get taken() {
      return state.taken
    },
    generate: (request: Record<string, unknown>, options = {}) => new ChatStream(generate(request, options)),
    encode,
    vocabSize: 1000,
    contextLength: 8192,
    takesTools: true,
    decode: (ids: readonly number[]) => Array.from(ids, (id) => `<${id}>`).join(''),
    // As where the model lives in a worker: what it tells comes as promises.
    status: async () => ({
      ...STATUS,
      running: state.running,
    }),
    dispose: () => {},
  } as unknown as FakeChat
}

/** A token for each character. */
function encode({ messages, prompt }: Record<string, unknown>): number[] {
  return Array.from(JSON.stringify(plainJson(messages ?? prompt)) ?? '', () => 5)
}

function joined(before: Piece | undefined, piece: Piece): Piece {
  const calls = [...(before?.tool_calls ?? []), ...(piece.tool_calls ?? [])]
  const logprobs = [...(before?.logprobs ?? []), ...(piece.logprobs ?? [])]
  const thought = (before?.reasoning_content ?? '') + (piece.reasoning_content ?? '')
  // Each piece of a thought counts as one token.
  const tokens = (before as Json)?.reasoning_tokens ?? 0
  return {
    ...piece,
    reasoning_tokens: tokens + (piece.reasoning_content === null ? 0 : 1),
    reasoning_content: thought === '' ? null : thought,
    tool_calls: calls.length > 0 ? calls : null,
    logprobs: logprobs.length > 0 ? logprobs : null,
  } as Piece
}

function completion(whole: Map<number, { text: string; piece: Piece }>, tokens: number): Completion {
  const choices = [...whole.values()]
    .map(({ text, piece }) => ({ stop_reason: null, reasoning_tokens: 0, ...piece, text }))
    .sort((a, b) => a.index - b.index)
  const usage = { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens, cached_tokens: 4 }
  const timings = { prefillMs: 2, decodeMs: 3, ttftMs: 2, prefillTokensPerSecond: 3000, decodeTokensPerSecond: 1 }
  return { choices, usage, timings } as unknown as Completion
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(new AbortError(signal?.reason))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort)
  })
}

// biome-ignore lint/suspicious/noExplicitAny: tests read answers by path
export type Json = any

/** The usual answer: `Hi there` in two pieces. */
export const greeting: Step[] = [{ text: 'Hi' }, { text: ' there', finish_reason: 'stop' }]
export const question = { model: 'mistral', messages: [{ role: 'user', content: 'Hello?' }] }

export function appOf(script: Parameters<typeof fakeChat>[0] = greeting, options: AppOptions = {}) {
  const chat = fakeChat(script)
  return { chat, app: createApp(chat, options) }
}

export function post(app: MistralApp, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return app.fetch(`http://localhost${path}`, {
    method: 'POST',
    ...init,
    headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  })
}

/** The data of each server-sent event; `[DONE]` as it stands. */
export async function events(response: Response): Promise<Json[]> {
  const text = await response.text()
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('data: '))
    .map((block) => (block === 'data: [DONE]' ? '[DONE]' : JSON.parse(block.slice(6))))
}

/** A call of a function, whose arguments are still to come. */
export const call = { id: 'abcdefghi', type: 'function' as const, function: { name: 'wind', arguments: '' } }

/** A thought, a text and two calls. */
export const thoughtful: Step[] = [
  { reasoning_content: 'It is ' },
  { reasoning_content: 'morning.' },
  { text: 'Good ' },
  { text: 'morning' },
  { tool_calls: [{ index: 0, ...call }] },
  { tool_calls: [{ index: 0, function: { arguments: '{"place":' } }] },
  { tool_calls: [{ index: 0, function: { arguments: '"Nice"}' } }] },
  { tool_calls: [{ index: 1, ...call, id: 'jklmnopqr' }] },
  { tool_calls: [{ index: 1, function: { arguments: '{}' } }], finish_reason: 'tool_calls' },
]
