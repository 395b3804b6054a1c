/** The server over vocabularies that differ from that of the embedded model. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/server/index.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { post } from './fake-chat.ts'
import { echo, messages } from './launch-requests.ts'
import { loadTiny } from './tiny-model.ts'

const TOKENIZERS = new URL('../fixtures/tokenizer/', import.meta.url)

/** The template that Mistral-7B-Instruct-v0.1 was launched with: a space after each end of sequence. */
const LAUNCH =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}" +
  "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token + ' ' }}" +
  '{% endif %}{% endfor %}'

describe('the form of the launch', () => {
  test('return_full_text echoes the conversation byte for byte', async () => {
    using chat = await loadTiny({ 'tokenizer.json': launchTokenizer() }, 1009, { chatTemplate: LAUNCH })
    const app = createApp(chat)
    const request = { messages, max_new_tokens: 4, do_sample: false, ignore_eos: true }
    const answer = await (await post(app, '/predict', request)).json()
    expect(answer).not.toContain('[INST]')
    const whole = await (await post(app, '/predict', { ...request, return_full_text: true })).json()
    expect(whole.slice(0, echo.length)).toBe(echo)
    expect(whole.slice(echo.length).trimStart()).toBe(answer.trimStart())
    const streamed = await post(app, '/predict', { ...request, return_full_text: true, stream: true })
    expect(await streamed.text()).toBe(whole)
  })
})

/** As tokenizers were when that model came out: a space before every stretch of text, and no token for `[INST]`. */
function launchTokenizer(): string {
  const file = fileURLToPath(new URL('prepend.tokenizer.json.gz', TOKENIZERS))
  const tokenizer = JSON.parse(gunzipSync(readFileSync(file)).toString())
  return JSON.stringify({ ...tokenizer, added_tokens: tokenizer.added_tokens.slice(0, 3) })
}

describe('a vocabulary with tools', () => {
  const v3 = new Uint8Array(readFileSync(fileURLToPath(new URL('own-v3.model', TOKENIZERS))))
  const tools = [{ type: 'function' as const, function: { name: 'wind', parameters: { type: 'object' } } }]
  const request = {
    model: 'tiny',
    messages: [{ role: 'user' as const, content: 'Does it blow?' }],
    tools,
    max_tokens: 3,
    temperature: 0,
  }

  test('a tool that must be called is named in the first delta; what it is not asked for is an error', async () => {
    using chat = await loadTiny({ 'tokenizer.model': v3 }, (await Tokenizer.fromSentencePiece(v3)).vocabSize)
    const client = new OpenAI({ apiKey: 'local', fetch: createApp(chat).fetch })
    const tool_choice = { type: 'function' as const, function: { name: 'wind' } }
    const deltas: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = []
    for await (const { choices } of await client.chat.completions.create({ ...request, tool_choice, stream: true })) {
      deltas.push(...(choices[0]!.delta.tool_calls ?? []))
    }
    expect(deltas[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'wind' } })
    expect(deltas[0]!.id).toMatch(/^[a-zA-Z0-9]{9}$/)
    const withTools = await client.chat.completions.create({ ...request, tool_choice: 'none' })
    expect(withTools.choices[0]!.message.tool_calls).toBeUndefined()
    const unknown = { ...tool_choice, function: { name: 'rain' } }
    await expect(client.chat.completions.create({ ...request, tool_choice: unknown })).rejects.toMatchObject({
      status: 400,
      param: expect.stringMatching(/^tool_choice/),
    })
    await expect(client.chat.completions.create({ ...request, tools: [], tool_choice })).rejects.toThrow(
      OpenAI.BadRequestError,
    )
  })
})
