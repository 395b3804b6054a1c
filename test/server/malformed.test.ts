import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MistralChat } from '../../src/index.ts'
import { createApp, type MistralApp } from '../../src/server/index.ts'
import { patience } from '../support/patience.ts'
import { loadPocket } from './pocket.ts'

let chat: MistralChat
let app: MistralApp
beforeAll(async () => {
  chat = await loadPocket()
  app = createApp(chat)
}, patience(120_000))
afterAll(() => chat?.dispose())

const messages = [{ role: 'user', content: 'Hello' }]
const valid: Record<string, Record<string, unknown>> = {
  '/v1/chat/completions': { model: 'm', messages, max_tokens: 1 },
  '/v1/completions': { model: 'm', prompt: 'Hello', max_tokens: 1 },
  '/predict': { messages, max_new_tokens: 1 },
}
const paths = Object.keys(valid)

interface Bad {
  path: string
  body: string | Uint8Array
  type?: string
}

/** Sends it and says what is wrong with the answer; undefined when it is a proper refusal. */
async function fault({ path, body, type = 'application/json' }: Bad): Promise<string | undefined> {
  const headers = type === '' ? {} : { 'content-type': type }
  const response = await app.fetch(`http://localhost${path}`, { method: 'POST', headers, body: body as string })
  const text = await response.text()
  if (response.status < 400 || response.status > 499) return `status ${response.status}: ${text.slice(0, 200)}`
  const { error, ...rest } = JSON.parse(text)
  if (Object.keys(rest).length > 0) return `more than an error: ${text}`
  if (path === '/predict') return typeof error === 'string' && error !== '' ? undefined : `no text: ${text}`
  const { message, type: kind, param, code, ...others } = error
  const ok =
    typeof message === 'string' &&
    message !== '' &&
    typeof kind === 'string' &&
    (param === null || typeof param === 'string') &&
    (code === null || typeof code === 'string') &&
    Object.keys(others).length === 0
  return ok ? undefined : `not OpenAI's shape: ${text}`
}

const NUMBERS = ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'no_repeat_ngram_size', 'max_tokens']
const FLAGS = ['stream', 'do_sample', 'use_cache', 'ignore_eos', 'return_full_text']
const LISTS = ['stop_token_ids', 'bad_words_ids', 'suppress_tokens']

const notNumber = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.array(fc.integer()),
  fc.object(),
  fc.constantFrom(1e308, -1e9, -3.5, 'NaN', 'Infinity', '1'),
)
const notFlag = fc.oneof(fc.string(), fc.integer(), fc.array(fc.boolean()), fc.object())
const notList = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.object(), fc.array(fc.string(), { minLength: 1 }))
const notMessages = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant([]),
  fc.object(),
  fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.string())), { minLength: 1 }),
  fc.array(fc.record({ role: fc.oneof(fc.integer(), fc.constant('')), content: fc.string() }), { minLength: 1 }),
  fc.array(fc.record({ role: fc.constant('user'), content: fc.oneof(fc.integer(), fc.boolean(), fc.constant(null)) }), {
    minLength: 1,
  }),
)
/** One field with a value that it cannot have. */
const wrongField = fc.oneof(
  fc.tuple(fc.constantFrom(...NUMBERS), notNumber),
  fc.tuple(fc.constantFrom(...FLAGS), notFlag),
  fc.tuple(fc.constantFrom(...LISTS), notList),
  fc.tuple(
    fc.constant('stop'),
    fc.oneof(fc.integer(), fc.boolean(), fc.array(fc.integer(), { minLength: 1 }), fc.object()),
  ),
  fc.tuple(
    fc.constant('logit_bias'),
    fc.oneof(fc.string(), fc.integer(), fc.constant({ a: 1 }), fc.constant({ 1: 'x' })),
  ),
  fc.tuple(fc.constant('seed'), fc.oneof(fc.string(), fc.boolean(), fc.constant(0.5), fc.constant(1e300))),
  fc.tuple(fc.constant('n'), fc.oneof(fc.string(), fc.constantFrom(0, -1, 1.5, 1e9, true))),
  // The underscore keeps them from being names that exist.
  fc.tuple(
    fc.string().map((name) => `_${name}`),
    fc.jsonValue().filter((value) => value !== null),
  ),
)

const onPath = <T>(make: (path: string) => fc.Arbitrary<T>) => fc.constantFrom(...paths).chain(make)
const bad: fc.Arbitrary<Bad> = fc.oneof(
  // Text that is no JSON object.
  onPath((path) =>
    fc
      .string()
      .filter(noObject)
      .map((body) => ({ path, body })),
  ),
  onPath((path) =>
    fc
      .uint8Array()
      .filter((bytes) => noObject(decoded(bytes)))
      .map((body) => ({ path, body })),
  ),
  onPath((path) => {
    const text = JSON.stringify(valid[path])
    return fc.nat(text.length - 1).map((length) => ({ path, body: text.slice(0, length) }))
  }),
  // Objects without what is required.
  onPath((path) =>
    fc
      .object()
      .map((object) => ({ path, body: JSON.stringify({ ...object, messages: undefined, prompt: undefined }) })),
  ),
  // A proper body but for one field.
  {
    weight: 4,
    arbitrary: onPath((path) => wrongField.map(([name, value]) => ({ path, body: withField(path, name, value) }))),
  },
  onPath((path) =>
    notMessages.map((value) => ({
      path,
      body: withField(path, path === '/v1/completions' ? 'prompt' : 'messages', value),
    })),
  ).filter(
    ({ path, body }) =>
      path !== '/v1/completions' || (typeof JSON.parse(body).prompt !== 'string' && !goodPrompts(body)),
  ),
)

function withField(path: string, name: string, value: unknown): string {
  return JSON.stringify({ ...valid[path], [name]: value })
}

function goodPrompts(body: string): boolean {
  const { prompt } = JSON.parse(body)
  const good = (item: unknown) => typeof item === 'string' || Number.isInteger(item) || Array.isArray(item)
  return Array.isArray(prompt) && prompt.length > 0 && prompt.every(good)
}

function noObject(text: string): boolean {
  try {
    const value = JSON.parse(text)
    return typeof value !== 'object' || value === null || Array.isArray(value)
  } catch {
    return true
  }
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** What attackers and broken clients send. `@` stands for the other fields of a proper body. */
const BY_HAND = [
  '',
  ' ',
  'null',
  '[]',
  '"text"',
  '1e999',
  'NaN',
  'undefined',
  '{',
  '{"a":1,}',
  "{'a':1}",
  '{"a":1} {"b":2}',
  '\u0000',
  '['.repeat(100_000),
  '{"a":'.repeat(100_000),
  `{@"x":${'['.repeat(5000)}${']'.repeat(5000)}}`,
  `{@"tools":${'[{"a":'.repeat(300)}1${'}]'.repeat(300)}}`,
  `{@"metadata":${'{"a":'.repeat(300)}1${'}'.repeat(300)}}`,
  '{@"temperature":1e999}',
  '{@"temperature":-1e999}',
  '{@"temperature":"NaN"}',
  '{@"max_tokens":1e999,"max_new_tokens":1e999}',
  '{@"max_new_tokens":99999999999999999999999}',
  '{@"max_new_tokens":0}',
  '{@"max_new_tokens":-1}',
  '{@"max_new_tokens":1.5}',
  '{@"seed":123456789012345678901234567890}',
  '{@"__proto__":{"stream":true}}',
  '{@"constructor":{"prototype":{"x":1}}}',
  '{@"toString":1}',
  '{@"hasOwnProperty":1}',
  '{@"logit_bias":{"__proto__":1,"x":1}}',
  '{@"logit_bias":{"999999":1}}',
  '{@"stop":["\\ud800"]}',
  '{@"user":"\\udc00","x":1}',
  `{@"stop":${JSON.stringify(new Array(17).fill('a'))}}`,
  '{@"seed":9223372036854775808}',
  '{@"top_k":-2}',
  '{@"top_logprobs":21,"logprobs":true}',
  '{@"stop_token_ids":[99999]}',
  '{@"stop_token_ids":[-1]}',
  '{@"bad_words_ids":[[]]}',
  `{@"${'k'.repeat(100_000)}":1}`,
  `{@"temprature":"${'v'.repeat(100_000)}"}`,
]
const MESSAGES = [
  '[{"role":"user","content":"\\ud83d"}]',
  '[{"role":"\\ud800","content":"a"}]',
  '[{"role":"user"}]',
  '[{"content":"a"}]',
  '[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]',
  '[{"role":"user","content":[{"type":"text"}]}]',
  '[{"role":"user","content":{"toString":1}}]',
  '[{"role":"user","content":"a","prefix":true}]',
  '[{"role":"user","content":"a"},{"role":"assistant","content":"b","prefix":1}]',
  '[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking"}]},{"role":"user","content":"b"}]',
  '[{"role":"user","content":"a"},{"role":"__proto__","content":[{"type":"text","text":"b"}]}]',
  '[{"role":"assistant","content":"a"}]',
  '[{"role":"__proto__","content":"a"}]',
  '[{"role":"user","content":"a","tool_calls":5}]',
  `[${'{"role":"user","content":"a"},'.repeat(20_000)}{"role":"x"}]`,
  `[{"role":"user","content":"${'wind '.repeat(5000)}"}]`,
]
const TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  '',
]

function byHand(): Bad[] {
  const out: Bad[] = []
  for (const path of paths) {
    const fields = `${JSON.stringify(valid[path]).slice(1, -1)},`
    for (const body of BY_HAND) out.push({ path, body: body.replace('@', fields) })
    for (const type of TYPES) out.push({ path, body: JSON.stringify(valid[path]), type })
    out.push({ path, body: Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d) })
    out.push({ path, body: Uint8Array.of(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00) })
    if (path === '/v1/completions') continue
    for (const list of MESSAGES) {
      for (const stream of [false, true])
        out.push({ path, body: `{"model":"m","max_new_tokens":1,"stream":${stream},"messages":${list}}` })
    }
  }
  return out
}

test('2,000 malformed bodies: always a 4xx of the right shape, and the model goes on', {
  timeout: patience(60_000),
}, async () => {
  const written = byHand()
  for (const one of written) {
    expect(await fault(one), `${one.path} ${String(one.body).slice(0, 200)}`).toBeUndefined()
  }
  const numRuns = 2000 - written.length
  expect(numRuns).toBeGreaterThan(1500)
  const property = fc.asyncProperty(bad, async (one) => {
    expect(await fault(one)).toBeUndefined()
  })
  await fc.assert(property, { numRuns, seed: 20_231_211 })
  expect(({} as Record<string, unknown>).stream).toBeUndefined()
  expect(chat.model.status()).toMatchObject({ running: 0, waiting: 0 })
  for (const path of paths) {
    const headers = { 'content-type': 'application/json' }
    const response = await app.fetch(`http://localhost${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(valid[path]),
    })
    expect(response.status).toBe(200)
  }
})
