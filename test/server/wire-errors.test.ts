/** Errors speak of what was sent, and of flags of the server where something must be set there. */
import { describe, expect, test } from 'vitest'
import {
  ChatTemplateError,
  CheckpointError,
  ConfigError,
  ContextLengthError,
  MemoryError,
  ParameterError,
  QueueFullError,
} from '../../src/errors.ts'
import { pythonJson } from '../../src/json/python.ts'
import { createApp } from '../../src/server/index.ts'
import { appOf, fakeChat, greeting, type Json, post, question } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'
/** Options of the library, which nobody who calls a server can set. */
const OPTIONS =
  /contextLength|maxQueue|maxSequences|prefillChunk|kvCache|slidingWindow|weights: |maxTokens|allowedHosts/

async function messageOf(response: Response | Promise<Response>): Promise<string> {
  const { error } = await (await response).json()
  return typeof error === 'string' ? error : error.message
}

describe('what must be set at the server is named by its flag', () => {
  test.each<[Error, RegExp]>([
    [new ContextLengthError(9, 8), /^the prompt has 9 tokens, the context holds 8; .* --context-length$/],
    [new ContextLengthError(8, 8), /holds 8 with the answer; .* --context-length$/],
    [new QueueFullError(3, 2), /^3 requests wait already, and the server's --queue is 2/],
    [
      new MemoryError('the cache', 10, 5),
      /^the cache needs 10 bytes, the device allows 5; .*--weights q8 .*--context-length /,
    ],
    [new MemoryError('the cache', 10, undefined), /which the GPU does not have; .*--max-sequences$/],
  ])('%s', async (fail, message) => {
    for (const [path, body] of [
      [CHAT, question],
      ['/v1/completions', { model: 'm', prompt: 'a' }],
      ['/predict', { messages: question.messages }],
    ] as const) {
      const text = await messageOf(post(appOf([{ fail }]).app, path, body))
      expect(text).toMatch(message)
      expect(text).not.toMatch(OPTIONS)
    }
  })

  test.each<[Error, string]>([
    [
      new ParameterError('contextLength', 9e9, 'must be at most 4096'),
      'option --context-length (9000000000): must be at most',
    ],
    [new ParameterError('slidingWindow', 0, 'must be above 0'), 'option --sliding-window (0): must be above 0'],
    [new MemoryError('the weights', 10, 5), 'the weights needs 10 bytes, the device allows 5; start the server with'],
    [new CheckpointError({ file: 'a.gguf' }, 'is cut off'), 'a.gguf: is cut off'],
    [new ParameterError('constructor', 1, 'is unknown'), 'parameter "constructor" (1): is unknown'],
    [
      new ConfigError('sliding_window', 5, 'pass slidingWindow'),
      'config field "sliding_window" (5): pass --sliding-window',
    ],
  ])('a model that did not load: %s', async (error, message) => {
    const app = createApp(Promise.reject(error))
    await Promise.resolve()
    const text = await messageOf(post(app, CHAT, question))
    expect(text).toContain(`the model failed: ${message}`)
    expect(text).not.toMatch(OPTIONS)
  })

  test('a template that cannot be told is a fault of the server, which has flags for it', async () => {
    const fail = new ChatTemplateError(
      'it can be v11 or v13: load it with the option chatFormat, or with a chatTemplate',
    )
    const response = await post(appOf([{ fail }]).app, CHAT, question)
    expect(response.status).toBe(500)
    expect(await messageOf(response)).toBe(
      'it can be v11 or v13: load it with the option --chat-format, or with a --chat-template',
    )
  })

  test('limits of prompts, of /predict and of names', async () => {
    const chat = fakeChat(greeting)
    const { status } = chat
    Object.assign(chat, { status: async () => ({ ...(await status()), maxSequences: 1, maxQueue: 0 }) })
    const app = createApp(chat, { allowedHosts: ['localhost'] })
    const texts = [
      await messageOf(post(app, '/v1/completions', { model: 'm', prompt: ['a', 'b'] })),
      await messageOf(post(app, '/predict', { messages: question.messages, max_tokens: 5000 })),
      await messageOf(app.request('http://evil.example/v1/models')),
      await messageOf(post(app, CHAT, { ...question, unheard_of: 1 })),
    ]
    expect(texts).toEqual([
      'parameter "prompt" (["a","b"]): must hold at most 1 prompts: the server\'s --max-sequences and --queue together',
      'parameter "max_tokens" (5000): must be an integer from 1 to 4096, this server\'s --max-tokens',
      'this server does not answer for "evil.example"; start it with --allowed-host evil.example',
      'parameter "unheard_of" (1): is not a known parameter; a server started with --lenient ignores unknown fields',
    ])
  })
})

describe('errors quote what was sent', () => {
  test.each<[string, string, string]>([
    [
      'a seed above the limit',
      '"seed":9223372036854775808',
      '"seed" (9223372036854775808): must be an integer from -92233',
    ],
    [
      'one below it',
      '"seed":-9223372036854775809',
      '(-9223372036854775809): must be an integer from -9223372036854775808',
    ],
    ['its other name', '"random_seed":18446744073709551616', '"random_seed" (18446744073709551616): must be'],
    ['another number than the right one', '"max_tokens":12345678901234567890', '"max_tokens" (12345678901234567890)'],
    [
      'alias names of both limits',
      '"min_tokens":9,"max_completion_tokens":3',
      '"min_tokens" (9): must be at most max_comp',
    ],
    ['two seeds', '"seed":1,"random_seed":2', '"random_seed" (2): is another name of seed, which is 1'],
    ['a mode', '"prompt_mode":"reasoning"', '"prompt_mode" ("reasoning"): is not supported'],
    [
      'guardrails',
      '"guardrails":[{"block_on_error":true}]',
      '"guardrails" ([{"block_on_error":true}]): is not supported',
    ],
    ['a prompt to be safe', '"safe_prompt":"yes"', '"safe_prompt" ("yes"): must be true or false'],
  ])('%s', async (_, fields, expected) => {
    const { app, chat } = appOf()
    const body = `{"model":"m","messages":[{"role":"user","content":"a"}],${fields}}`
    const response = await post(app, CHAT, body)
    expect(response.status).toBe(400)
    expect(await messageOf(response)).toContain(expected)
    expect(chat.requests).toEqual([])
  })

  test('a name that was misspelt brings the nearest, and the flag that lets all pass', async () => {
    for (const [wrong, right] of [
      ['temprature', 'temperature'],
      ['random_sed', 'random_seed'],
      ['safe_promt', 'safe_prompt'],
      ['guardrail', 'guardrails'],
    ]) {
      const text = await messageOf(post(appOf().app, CHAT, { ...question, [wrong!]: 1 }))
      expect(text).toContain(`is not a known parameter; did you mean "${right}"?`)
      expect(text).toContain('--lenient')
    }
  })
})

describe('numbers of a body keep their digits', () => {
  test.each(['9223372036854775807', '-9223372036854775808', '1152921504606846977', '9007199254740993'])(
    'seed %s reaches the model',
    async (seed) => {
      const { app, chat } = appOf()
      for (const [path, name] of [
        [CHAT, 'seed'],
        [CHAT, 'random_seed'],
        ['/predict', 'seed'],
      ] as const) {
        await post(app, path, `{"model":"m","messages":[{"role":"user","content":"a"}],"${name}":${seed}}`)
        expect(String((chat.requests.at(-1) as Json)[name])).toBe(seed)
      }
    },
  )

  test('numbers and keys of messages and tools stay as they were sent', async () => {
    const { app, chat } = appOf()
    const schema =
      '{"type": "object", "default": {"b": 22.0, "10": 1e-07, "2": 12345678901234567890, "__proto__": -0.0}}'
    const tools = `[{"type": "function", "function": {"name": "f", "parameters": ${schema}}}]`
    const call = `{"type": "function", "id": "abcdefghi", "function": {"name": "f", "arguments": ${schema}}}`
    const messages = `[{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [${call}]}]`
    expect((await post(app, CHAT, `{"model":"m","messages":${messages},"tools":${tools}}`)).status).toBe(200)
    expect(pythonJson(chat.requests[0]!.messages)).toBe(messages)
    expect(pythonJson(chat.requests[0]!.tools)).toBe(tools)
  })

  test('floats are plain numbers, and a log of prompts with large numbers is JSON', async () => {
    const records: Json[] = []
    const { app, chat } = appOf(greeting, { logPrompts: true, log: (record) => records.push(JSON.stringify(record)) })
    const body =
      '{"model":"m","temperature":1.0,"top_p":1e0,"max_tokens":5,"logit_bias":{"5":1.0},"metadata":{"7":"a"},' +
      '"messages":[{"role":"user","content":"a","id":12345678901234567890}]}'
    expect((await post(app, CHAT, body)).status).toBe(200)
    const { messages, ...rest } = chat.requests[0]!
    expect(rest).toEqual({ temperature: 1, top_p: 1, max_tokens: 5, logit_bias: { 5: 1 } })
    expect(messages).toHaveLength(1)
    expect(records[0]).toContain('"content":"a"')
  })
})
