/**
 * Bodies of every face with one to three things changed at random places: each is answered, or refused in the face's own
 * shape, and never is it the server's fault. `FUZZ_RUNS=30000 npm test -- test/server/malformed-faces.test.ts` sends more.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MistralChat } from '../../src/index.ts'
import { createApp, type MistralApp } from '../../src/server/index.ts'
import { patience } from '../support/patience.ts'
import type { Json } from './fake-chat.ts'
import { loadPocket } from './pocket.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 3000)

let chat: MistralChat
let app: MistralApp
beforeAll(async () => {
  chat = await loadPocket()
  app = createApp(chat)
}, patience(120_000))
afterAll(() => chat?.dispose())

const schema = { type: 'object', properties: { place: { type: 'string' } } }
const fn = { name: 'wind', description: 'How it blows', parameters: schema }
const user = { role: 'user', content: 'Hello' }

/** Behind the address of a face that Mistral's own client asks. */
const AS_MISTRAL = ' of Mistral'

/** A body with most of the fields of its face, which is answered without the tools that the model does not know. */
const BODIES: Record<string, Json> = {
  '/v1/chat/completions': {
    model: 'm',
    messages: [
      { role: 'system', content: 'a' },
      { role: 'user', name: 'n', content: [{ type: 'text', text: 'Hello' }] },
    ],
    ...{ max_tokens: 1, temperature: 0.5, top_p: 0.9, n: 1, stop: ['x'], seed: 1, logit_bias: { 5: 1 }, stream: false },
    ...{ stream_options: null, tool_choice: 'none', parallel_tool_calls: true, metadata: { a: 'b' }, store: false },
    ...{ response_format: { type: 'text' }, logprobs: true, top_logprobs: 1, user: 'u', reasoning_effort: null },
  },
  '/v1/responses': {
    model: 'm',
    instructions: 'a',
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'b', annotations: [] }] },
      { type: 'item_reference', id: null },
      user,
    ],
    ...{
      max_output_tokens: 1,
      temperature: 0.5,
      top_p: 0.9,
      truncation: 'auto',
      store: true,
      include: [],
      stream: false,
    },
    ...{
      tools: [],
      tool_choice: 'auto',
      reasoning: { effort: null },
      text: { format: { type: 'text' } },
      metadata: { a: 'b' },
    },
  },
  '/v1/responses/input_tokens': { model: 'm', input: 'Hello', tools: [{ type: 'function', ...fn }] },
  '/v1/messages': {
    model: 'm',
    max_tokens: 1,
    system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'abcdefghi', name: 'wind', input: { place: 'Nice' } }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'abcdefghi', content: [{ type: 'text', text: 'b' }] }],
      },
    ],
    ...{
      tools: [{ name: 'wind', input_schema: schema }],
      tool_choice: { type: 'auto' },
      thinking: { type: 'disabled' },
    },
    ...{ temperature: 0.5, top_k: 5, stop_sequences: ['x'], metadata: { user_id: 'u' }, stream: false },
  },
  '/v1/messages/count_tokens': { model: 'm', messages: [user], system: 'a', tool_choice: null, thinking: null },
  '/api/chat': {
    model: 'm',
    messages: [user, { role: 'assistant', content: 'b', tool_calls: [] }, { ...user, images: [] }],
    options: { num_predict: 1, temperature: 0.5, stop: ['x'], seed: 1, repeat_penalty: 1.1, num_ctx: 64 },
    ...{ stream: false, think: false, format: '', keep_alive: '5m', tools: [], logprobs: true, top_logprobs: 1 },
  },
  '/api/generate': {
    model: 'm',
    prompt: 'Hello',
    system: 'a',
    options: { num_predict: 1 },
    ...{ stream: false, raw: false, template: '', context: [], suffix: '', images: [], keep_alive: 0 },
  },
  '/v1/embeddings': {
    model: 'm',
    input: ['a', 'b'],
    encoding_format: 'float',
    pooling: 'last',
    normalize: true,
    user: 'u',
  },
  '/tokenize': { content: 'a', add_special: true, with_pieces: true, model: null },
  '/detokenize': { tokens: [5, 6] },
  '/api/embed': { model: 'm', input: 'a', truncate: true, keep_alive: '5m', options: {} },
  '/api/show': { model: 'mistral', verbose: false },
  '/api/embeddings': { model: 'm', prompt: 'a', options: {}, keep_alive: '5m' },
  '/v1/completions': {
    model: 'm',
    prompt: 'Hello',
    ...{
      max_tokens: 1,
      temperature: 0.5,
      top_p: 0.9,
      n: 1,
      stop: ['x'],
      seed: 1,
      logprobs: 1,
      echo: true,
      stream: false,
    },
    ...{ best_of: 1, suffix: null, user: 'u', logit_bias: { 5: 1 }, frequency_penalty: 0.5, grammar: null },
  },
  '/predict': { messages: [user], max_tokens: 64, temperature: 0.5, top_k: 5, stream: false, do_sample: true },
  [`/v1/chat/completions${AS_MISTRAL}`]: {
    model: 'm',
    messages: [user, { role: 'assistant', content: 'b', prefix: true }],
    ...{ max_tokens: 1, random_seed: 1, safe_prompt: true, tool_choice: 'none', stream: false, n: 1, stop: 'x' },
    ...{ response_format: { type: 'text' }, prediction: { type: 'content', content: 'c' }, prompt_mode: null },
  },
}

const text = (value: unknown) => typeof value === 'string' && value !== ''
/** Whether an error has the shape of the face. */
function isShaped(path: string, body: Json): boolean {
  if (path.startsWith('/api/')) return Object.keys(body).join() === 'error' && text(body.error)
  if (path.startsWith('/v1/messages')) {
    return body.type === 'error' && text(body.error.type) && text(body.error.message) && text(body.request_id)
  }
  if (path === '/predict') return Object.keys(body).join() === 'error' && text(body.error)
  const { message, type, param, code } = path.endsWith(AS_MISTRAL) ? body : body.error
  return text(message) && text(type) && (param === null || text(param)) && (code === null || text(code))
}

async function send(path: string, body: string): Promise<Response> {
  const agent = path.endsWith(AS_MISTRAL) ? { 'user-agent': 'mistral-client-typescript/2.7.0' } : {}
  const headers = { 'content-type': 'application/json', ...agent }
  return app.fetch(`http://localhost${path.replace(AS_MISTRAL, '')}`, { method: 'POST', headers, body })
}

/** Sends it, and says what is wrong with the answer. */
async function fault(path: string, body: string): Promise<string | undefined> {
  const response = await send(path, body)
  const answer = await response.text()
  if (response.status >= 500) return `status ${response.status}: ${answer.slice(0, 300)}`
  if (response.status >= 400) return isShaped(path, JSON.parse(answer)) ? undefined : `not the face's shape: ${answer}`
  return answer.includes('the server failed to answer') ? `failed on its way: ${answer.slice(0, 300)}` : undefined
}

/** Places in a value, as lists of keys. */
function placesOf(value: Json, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.keys(value).flatMap((key) => placesOf(value[key], [...at, key]))]
}

type Change = { at: string[]; kind: 'put' | 'drop' | 'add'; value: unknown; name: string }

function changed(body: Json, { at, kind, value, name }: Change): Json {
  if (at.length === 0) {
    return kind === 'add' && typeof body === 'object' && body !== null ? { ...body, [name]: value } : body
  }
  const copy = Array.isArray(body) ? [...body] : { ...body }
  const [key, ...rest] = at as [string, ...string[]]
  if (typeof body !== 'object' || body === null || !(key in body)) return body
  if (rest.length > 0 || kind === 'add') copy[key] = changed(copy[key], { at: rest, kind, value, name })
  else if (kind === 'put') copy[key] = value
  else if (Array.isArray(copy)) copy.splice(Number(key), 1)
  else delete copy[key]
  return copy
}

const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(-1, 0, 1e308, 2 ** 53, 0.5, '', '\ud800', '__proto__', [], {}, [[]], [null], { type: 'text' }, true),
)
const mutated = fc.constantFrom(...Object.keys(BODIES)).chain((path) =>
  fc
    .array(
      fc.record({
        at: fc.constantFrom(...placesOf(BODIES[path]).filter((at) => at.length > 0)),
        kind: fc.constantFrom('put' as const, 'put' as const, 'drop' as const, 'add' as const),
        value: odd,
        name: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'type', 'content', '0')),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((changes) => ({ path, body: JSON.stringify(changes.reduce(changed, BODIES[path])) })),
)

test.each(Object.keys(BODIES))('%s: text that is no JSON object is refused', async (path) => {
  const whole = JSON.stringify(BODIES[path])
  const cut = [0, 1, 9, whole.length - 1].map((length) => whole.slice(0, length))
  for (const body of [...cut, 'null', '[]', '5', '"a"', `${whole}x`, '['.repeat(50_000)]) {
    expect(await fault(path, body), body.slice(0, 80)).toBeUndefined()
    expect((await send(path, body)).status, body.slice(0, 80)).toBe(400)
  }
})

test(`${RUNS} changed bodies: an answer, or a 4xx in the face's own shape`, {
  timeout: patience(600_000),
}, async () => {
  const property = fc.asyncProperty(mutated, async ({ path, body }) => {
    expect(await fault(path, body)).toBeUndefined()
  })
  await fc.assert(property, { numRuns: RUNS, seed: 20_261_129 })
  expect(({} as Record<string, unknown>).stream).toBeUndefined()
  expect(chat.model.status()).toMatchObject({ running: 0, waiting: 0 })
  const alive = JSON.stringify({ model: 'm', max_tokens: 1, messages: [user] })
  for (const path of ['/v1/messages', '/v1/chat/completions']) expect((await send(path, alive)).status).toBe(200)
})
