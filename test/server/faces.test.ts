/** The embedded model behind every face, asked by the client of the face's own vendor. */
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, describe, expect, test } from 'vitest'
import { post } from './fake-chat.ts'
import { anthropicOf, ollamaOf, openaiOf } from './official-clients.ts'
import { servePocket, until } from './pocket.ts'

const { chat, app, answer, idle } = await servePocket()
afterAll(() => chat.dispose())

describe('through OpenAI’s client', () => {
  const client = openaiOf(app)
  const ask = { model: 'pocket', input: 'What is a mistral?', temperature: 0, max_output_tokens: 24 }

  test('gives the text, whole and streamed, with usage', async () => {
    const whole = await client.responses.create(ask)
    expect(whole.output_text).toBe(answer)
    expect(whole.usage!.total_tokens).toBe(whole.usage!.input_tokens + whole.usage!.output_tokens)
    const stream = client.responses.stream(ask)
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta
    })
    const final = await stream.finalResponse()
    expect([text, final.output_text]).toEqual([answer, answer])
    expect(final.usage).toMatchObject({ output_tokens: whole.usage!.output_tokens })
  })

  test('goes on from an earlier response, as if all had been sent at once', async () => {
    const first = await client.responses.create(ask)
    const second = await client.responses.create({ ...ask, previous_response_id: first.id, input: 'And then?' })
    const { choices } = await client.chat.completions.create({
      model: 'pocket',
      temperature: 0,
      max_tokens: 24,
      messages: [
        { role: 'user', content: ask.input },
        { role: 'assistant', content: first.output_text },
        { role: 'user', content: 'And then?' },
      ],
    })
    expect(second.output_text).toBe(choices[0]!.message.content)
  })

  test('counts the prompt, and leaves out what does not fit when it may', async () => {
    const counted = await client.responses.inputTokens.count({ model: 'pocket', input: ask.input })
    expect(counted).toEqual({ object: 'response.input_tokens', input_tokens: 8 })
    const turn = [
      { role: 'user' as const, content: 'Tell me of the wind. '.repeat(40) },
      { role: 'assistant' as const, content: 'It blows.' },
    ]
    const long = [...Array.from({ length: 20 }, () => turn).flat(), { role: 'user' as const, content: ask.input }]
    const refused = await client.responses.create({ ...ask, input: long }).catch((error) => error)
    expect([refused.status, refused.code, refused.param]).toEqual([400, 'context_length_exceeded', 'input'])
    const cut = await client.responses.create({ ...ask, input: long, truncation: 'auto' })
    expect(cut.usage!.input_tokens).toBeLessThan(chat.contextLength)
    expect(cut.usage!.input_tokens).toBeGreaterThan(chat.contextLength / 2)
  })

  test('abort in mid-stream frees the sequence', async () => {
    const stream = await client.responses.create({ ...ask, temperature: 1, max_output_tokens: 900, stream: true })
    for await (const event of stream) {
      if (event.type !== 'response.output_text.delta') continue
      stream.controller.abort()
      break
    }
    await until(idle)
  })
})

describe('through Anthropic’s client', () => {
  const client = anthropicOf(app)
  const ask = {
    model: 'pocket',
    max_tokens: 24,
    temperature: 0,
    messages: [{ role: 'user' as const, content: 'What is a mistral?' }],
  }
  const textOf = (message: Anthropic.Message) =>
    message.content.map((block) => (block.type === 'text' ? block.text : '')).join('')

  test('gives the text, whole and streamed, with usage', async () => {
    const whole = await client.messages.create(ask)
    expect(textOf(whole)).toBe(answer)
    expect(whole._request_id).toMatch(/^req-/)
    const stream = client.messages.stream(ask)
    let text = ''
    stream.on('text', (delta) => {
      text += delta
    })
    const final = await stream.finalMessage()
    expect([text, textOf(final), final.usage.output_tokens]).toEqual([answer, answer, whole.usage.output_tokens])
    const { input_tokens: prompt, cache_read_input_tokens: cached } = final.usage
    expect(prompt + cached!).toBe(8)
    expect(await client.messages.countTokens({ model: 'pocket', messages: ask.messages })).toEqual({ input_tokens: 8 })
  })

  test('says which stop sequence ended the answer', async () => {
    const word = answer.split(' ')[2]!
    const message = await client.messages.create({ ...ask, stop_sequences: ['never', word] })
    expect([message.stop_reason, message.stop_sequence]).toEqual(['stop_sequence', word])
    expect(answer.startsWith(textOf(message))).toBe(true)
    const streamed = await client.messages.stream({ ...ask, stop_sequences: [word] }).finalMessage()
    expect([streamed.stop_reason, streamed.stop_sequence]).toEqual(['stop_sequence', word])
    expect((await client.messages.create({ ...ask, max_tokens: 2 })).stop_reason).toBe('max_tokens')
  })

  test('goes on with what the assistant has begun', async () => {
    const [user] = ask.messages
    const begun = { role: 'assistant' as const, content: 'A mistral is' }
    const message = await client.messages.create({ ...ask, messages: [user!, begun] })
    const { model, temperature, max_tokens } = ask
    const chatted = await post(app, '/v1/chat/completions', { model, temperature, max_tokens, messages: [user, begun] })
    expect(textOf(message)).toBe((await chatted.json()).choices[0].message.content)
  })

  test('abort in mid-stream frees the sequence', async () => {
    const stream = client.messages.stream({ ...ask, temperature: 1, max_tokens: 900 })
    stream.on('text', () => stream.abort())
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError)
    await until(idle)
  })
})

describe('through Ollama’s client', () => {
  const client = ollamaOf(app)
  const ask = {
    model: 'pocket',
    messages: [{ role: 'user', content: 'What is a mistral?' }],
    options: { temperature: 0, num_predict: 24 },
  }

  test('gives the text, whole and streamed, with its measures', async () => {
    const whole = await client.chat(ask)
    expect(whole.message).toEqual({ role: 'assistant', content: answer })
    expect(whole).toMatchObject({
      model: 'pocket',
      done: true,
      done_reason: 'length',
      prompt_eval_count: 8,
      eval_count: 24,
    })
    expect(whole.total_duration).toBeGreaterThanOrEqual(whole.prompt_eval_duration)
    let text = ''
    for await (const part of await client.chat({ ...ask, stream: true })) text += part.message.content
    expect(text).toBe(answer)
  })

  test('answers one question, and goes on from a raw text', async () => {
    const { options } = ask
    const asked = await client.generate({ model: 'pocket', prompt: ask.messages[0]!.content, options })
    expect(asked.response).toBe(answer)
    const raw = await client.generate({ model: 'pocket', prompt: 'A mistral is', raw: true, options })
    const completed = await post(app, '/v1/completions', {
      model: 'pocket',
      prompt: 'A mistral is',
      temperature: 0,
      max_tokens: 24,
    })
    expect(raw.response).toBe((await completed.json()).choices[0].text)
  })

  test('num_predict -1 ends with the model or the context', async () => {
    const { done_reason, eval_count, prompt_eval_count } = await client.chat({
      ...ask,
      options: { temperature: 0, num_predict: -1 },
    })
    expect(done_reason === 'stop' || prompt_eval_count + eval_count === chat.contextLength).toBe(true)
    expect(eval_count).toBeGreaterThan(24)
  })

  test('abort in mid-stream frees the sequence', async () => {
    const stream = await client.chat({ ...ask, options: { num_predict: 900 }, stream: true })
    const read = async () => {
      for await (const _ of stream) stream.abort()
    }
    await expect(read()).rejects.toMatchObject({ name: 'AbortError' })
    await until(idle)
  })
})
