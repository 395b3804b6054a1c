/** Thoughts of a real model through every face: their budget, what they are hidden by, and the answer that a constraint holds. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMistralWebGPU } from '../../src/ai-sdk/index.ts'
import type { MistralChat } from '../../src/index.ts'
import { createApp, type MistralApp } from '../../src/server/index.ts'
import { patience } from '../support/patience.ts'
import { tekkenFile, vocabulary } from '../tokenizer/formats.ts'
import { type Json, post } from './fake-chat.ts'
import { eventsOf, openaiOf } from './official-clients.ts'
import { loadTiny } from './tiny-model.ts'

/** A prompt ends inside a thought, unless none is asked for. */
const TEMPLATE =
  '{{ bos_token }}{% for message in messages %}{{ message.content or "" }}{% endfor %}' +
  '{% if enable_thinking is not defined or enable_thinking %}[THINK]{% endif %}'
const BUDGET = 4
const CHOICE = ['yes', 'no']
const user = { role: 'user', content: 'Does it blow?' }
/** Parameters that all faces take under these names. */
const held = { choice: CHOICE, max_reasoning_tokens: BUDGET, temperature: 0 }

let chat: MistralChat
let app: MistralApp
beforeAll(async () => {
  const { vocabSize } = await vocabulary('tekken-v13-think')
  chat = await loadTiny({ 'tekken.json': JSON.stringify(tekkenFile('v13-think')) }, vocabSize, {
    chatTemplate: TEMPLATE,
  })
  app = createApp(chat, { modelId: 'm' })
}, patience(240_000))
afterAll(() => chat?.dispose())

/** What a face says of one answer. */
interface Said {
  readonly thought: string
  readonly text: string
  /** undefined where the face has no place for it. */
  readonly thoughtTokens: number | undefined
}

const MISTRAL = { headers: { 'user-agent': 'mistral-client-typescript/1' } }

async function sent(path: string, body: object, init: RequestInit = {}): Promise<Json> {
  const response = await post(app, path, { model: 'm', ...body }, init)
  const said = await response.text()
  expect(response.status, said).toBe(200)
  if (!(body as Json).stream) return JSON.parse(said)
  const lines = said.split('\n').flatMap((line) => {
    const json = path.startsWith('/api') ? line : (/^data: (\{.*)$/.exec(line)?.[1] ?? '')
    return json === '' ? [] : [JSON.parse(json)]
  })
  return lines
}

const joined = (parts: readonly (string | undefined)[]) => parts.map((part) => part ?? '').join('')

async function openAiChat(fields: object, stream: boolean): Promise<Said> {
  const rest = stream ? { stream_options: { include_usage: true } } : {}
  const answer = await sent('/v1/chat/completions', { messages: [user], ...held, ...fields, stream, ...rest })
  const chunks: Json[] = stream ? answer : [answer]
  const parts = chunks.flatMap(({ choices }) => choices.map(({ delta, message }: Json) => delta ?? message))
  return {
    thought: joined(parts.map((part) => part.reasoning_content)),
    text: joined(parts.map((part) => part.content)),
    thoughtTokens: chunks.at(-1)!.usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}

async function mistralChat(fields: object, stream: boolean): Promise<Said> {
  const answer = await sent('/v1/chat/completions', { messages: [user], ...held, ...fields, stream }, MISTRAL)
  const chunks: Json[] = stream ? answer : [answer]
  const parts = chunks.flatMap(({ choices }) =>
    choices.flatMap(({ delta, message }: Json) => {
      const { content } = delta ?? message
      return typeof content === 'string' ? [{ type: 'text', text: content }] : content
    }),
  )
  return {
    thought: joined(parts.map((part) => part.thinking?.[0].text)),
    text: joined(parts.map((part) => part.text)),
    thoughtTokens: chunks.at(-1)!.usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}

async function responses(fields: object, stream: boolean): Promise<Said> {
  const body = { input: [user], ...held, ...fields }
  const response = stream
    ? ((await eventsOf(openaiOf(app), body)).at(-1) as Json).response
    : await sent('/v1/responses', body)
  const of = (type: string) =>
    joined(response.output.flatMap((item: Json) => (item.type === type ? [item.content[0].text] : [])))
  const { reasoning_tokens } = response.usage.output_tokens_details
  return { thought: of('reasoning'), text: of('message'), thoughtTokens: reasoning_tokens }
}

async function anthropic(fields: object, stream: boolean): Promise<Said> {
  const { max_reasoning_tokens: budget, max_tokens = 64, ...rest } = { ...held, ...fields } as Json
  const own = { max_reasoning_tokens: budget }
  const thinking = 'thinking' in rest ? own : { thinking: { type: 'enabled', budget_tokens: budget } }
  const answer = await sent('/v1/messages', { messages: [user], max_tokens, ...thinking, ...rest, stream })
  const events: Json[] = stream ? answer : []
  const deltas = events.flatMap(({ delta }) => (delta ? [delta] : []))
  const blocks = stream ? deltas : answer.content
  const usage = stream ? events.find(({ type }) => type === 'message_delta')!.usage : answer.usage
  return {
    thought: joined(blocks.map((block: Json) => block.thinking)),
    text: joined(blocks.map((block: Json) => block.text)),
    thoughtTokens: usage.output_tokens_details.thinking_tokens,
  }
}

async function ollama(fields: object, stream: boolean): Promise<Said> {
  const { temperature, max_tokens, ...rest } = { ...held, ...fields } as Json
  const options = { temperature, ...(max_tokens && { num_predict: max_tokens }) }
  const answer = await sent('/api/chat', { messages: [user], options, think: true, ...rest, stream })
  const lines: Json[] = stream ? answer : [answer]
  return {
    thought: joined(lines.map(({ message }) => message.thinking)),
    text: joined(lines.map(({ message }) => message.content)),
    thoughtTokens: undefined,
  }
}

async function predict(fields: object, stream: boolean): Promise<Said> {
  const response = await post(app, '/predict', { messages: [user], ...held, ...fields, stream })
  const said = await response.text()
  expect(response.status, said).toBe(200)
  return { thought: '', text: stream ? said : JSON.parse(said), thoughtTokens: undefined }
}

async function inProcess(fields: object, stream: boolean): Promise<Said> {
  const answer = chat.generate({ messages: [user], ...held, ...fields })
  const chunks = []
  if (stream) for await (const chunk of answer) chunks.push(chunk)
  const whole = await answer.completion
  const parts = stream ? chunks : [whole]
  return {
    thought: joined(parts.map((part) => part.reasoning_content ?? '')),
    text: joined(parts.map(({ text }) => text)),
    thoughtTokens: whole.reasoning_tokens,
  }
}

async function aiSdk(fields: object, stream: boolean): Promise<Said> {
  const { temperature, max_tokens: maxOutputTokens, ...own } = { ...held, ...fields } as Json
  const model = createMistralWebGPU(chat)()
  const prompt = [{ role: 'user', content: [{ type: 'text', text: user.content }] }]
  const options = { prompt, temperature, maxOutputTokens, providerOptions: { 'mistral-webgpu': own } }
  const parts: Json[] = []
  if (stream) {
    const { stream: answer } = await model.doStream(options)
    const reader = answer.getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value)
  } else {
    const { content, ...rest } = await model.doGenerate(options)
    parts.push(...content, rest)
  }
  const of = (type: string) =>
    joined(parts.flatMap((part) => (part.type?.startsWith(type) ? [part.text ?? part.delta] : [])))
  return { thought: of('reasoning'), text: of('text'), thoughtTokens: parts.at(-1)!.usage.outputTokens.reasoning }
}

const FACES = { inProcess, openAiChat, mistralChat, responses, anthropic, ollama, aiSdk, predict }
const ways = Object.entries(FACES).flatMap(([name, ask]) =>
  [false, true].map((stream) => ({ name, ask, stream, way: stream ? 'streamed' : 'whole' })),
)

describe.each(ways)('$name, $way', { timeout: patience(60_000) }, ({ name, ask, stream }) => {
  const shows = name !== 'predict'
  const counts = (tokens: number) => (shows && name !== 'ollama' ? tokens : undefined)

  test('the thought is free and ends at its budget, the answer is held', async () => {
    const said = await ask({}, stream)
    expect(CHOICE).toContain(said.text)
    const { thought } = await inProcess({}, false)
    expect(thought).not.toBe('')
    expect(said).toMatchObject({ thought: shows ? thought : '', thoughtTokens: counts(BUDGET) })
  })

  test('include_reasoning: false leaves the thought out, and counts it', async () => {
    const said = await ask({ include_reasoning: false }, stream)
    expect(CHOICE).toContain(said.text)
    expect(said).toMatchObject({ thought: '', thoughtTokens: counts(BUDGET) })
  })

  test('chat_template_kwargs reach the template', async () => {
    // These ask for thoughts otherwise, which would say something else.
    const asked = name === 'ollama' ? { think: undefined } : name === 'anthropic' ? { thinking: undefined } : {}
    const said = await ask({ ...asked, chat_template_kwargs: { enable_thinking: false } }, stream)
    expect(CHOICE).toContain(said.text)
    // The model may begin a thought by itself.
    const { thought, thoughtTokens } = await inProcess({ chat_template_kwargs: { enable_thinking: false } }, false)
    expect(said).toMatchObject({ thought: shows ? thought : '', thoughtTokens: counts(thoughtTokens!) })
  })

  test('max_tokens may cut the thought', async () => {
    const said = await ask(
      { max_tokens: name === 'predict' ? 24 : 3, ...(name === 'predict' && { max_new_tokens: 3 }) },
      stream,
    )
    expect(said).toMatchObject({ text: '', thoughtTokens: counts(3) })
  })

  test('none is no thought', async () => {
    const asked = {
      anthropic: { thinking: { type: 'disabled' } },
      ollama: { think: false },
      responses: { reasoning: { effort: 'none' } },
    }[name] ?? { reasoning_effort: 'none' }
    const said = await ask({ max_reasoning_tokens: undefined, ...asked }, stream)
    expect(CHOICE).toContain(said.text)
    expect(said).toMatchObject({ thought: '', thoughtTokens: counts(0) })
  })
})
