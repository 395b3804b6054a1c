/** Calls of tools under constraints, on models of random weights: whatever they choose is a call that the schemas accept, in each syntax. */
import { describe, expect, test } from 'vitest'
import { type ChatRequest, type MistralChat, ParameterError, Tokenizer } from '../../src/index.ts'
import { alphabetOfBytes } from '../../src/tokenizer/byte-alphabet.ts'
import { loadTiny } from '../server/tiny-model.ts'
import { patience } from '../support/patience.ts'
import { fixtureBytes } from '../tokenizer/support.ts'

const CONTROLS = [
  ...['<unk>', '<s>', '</s>', '[INST]', '[/INST]', '[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]', '[TOOL_RESULTS]'],
  ...[
    '[/TOOL_RESULTS]',
    '[TOOL_CALLS]',
    '[SYSTEM_PROMPT]',
    '[/SYSTEM_PROMPT]',
    '[TOOL_CONTENT]',
    '[ARGS]',
    '[CALL_ID]',
  ],
]
const BYTES = Array.from({ length: 256 }, (_, byte) => alphabetOfBytes(String.fromCharCode(byte)))

/** One token for each byte, with the control tokens of the newer formats. */
const NAMED = JSON.stringify({
  added_tokens: CONTROLS.map((content, id) => ({ id, content, special: true })),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries([...CONTROLS, ...BYTES].map((token, id) => [token, id])),
    merges: [],
  },
})

async function loadPieces(name: string): Promise<MistralChat> {
  const file = fixtureBytes(name)
  const { vocabSize } = await Tokenizer.fromSentencePiece(file)
  return loadTiny({ 'tokenizer.model': file }, vocabSize, { maxSequences: 3 })
}

const CHATS: readonly [string, () => Promise<MistralChat>][] = [
  ['a list (v3)', () => loadPieces('own-v3.model')],
  ['a list (v7)', () => loadPieces('own-v7.model')],
  ...(['v11', 'v13'] as const).map((chatFormat): [string, () => Promise<MistralChat>] => [
    `named calls (${chatFormat})`,
    () => loadTiny({ 'tokenizer.json': NAMED }, CONTROLS.length + 256, { maxSequences: 3, chatFormat }),
  ]),
]

const tools = [
  {
    type: 'function',
    function: {
      name: 'wind',
      parameters: {
        type: 'object',
        properties: { place: { enum: ['Arles', 'Nice'] }, days: { type: 'integer', minimum: 0, maximum: 9 } },
        required: ['place'],
        additionalProperties: false,
      },
    },
  },
  { type: 'function', function: { name: 'stop', parameters: { type: 'object', maxProperties: 0 } } },
] as const
const wild: ChatRequest = {
  messages: [{ role: 'user', content: 'Does it blow?' }],
  tools,
  temperature: 1.5,
  top_k: 0,
  top_p: 1,
  max_tokens: 90,
}

function check(calls: readonly { function: { name: string; arguments: string } }[]): void {
  for (const { function: fn } of calls) {
    expect(['wind', 'stop']).toContain(fn.name)
    const { place, days, ...others } = JSON.parse(fn.arguments)
    expect(others).toEqual({})
    if (fn.name === 'stop') expect([place, days]).toEqual([undefined, undefined])
    else
      expect([['Arles', 'Nice'].includes(place), days === undefined || [...Array(10).keys()].includes(days)]).toEqual([
        true,
        true,
      ])
  }
}

test('texts of a vocabulary that puts a space before words keep to their format from the first character on', {
  timeout: patience(300_000),
}, async () => {
  const chat = await loadPieces('own-v3.model')
  try {
    const { tools: _, ...plain } = wild
    for (let seed = 0; seed < 3; seed++) {
      const word = await chat.complete({ ...plain, seed, regex: '[a-z]{3,6}' })
      expect(word.text).toMatch(/^[a-z]{3,6}$/)
      const spaced = await chat.complete({ ...plain, seed, regex: ' [a-z]{3} [a-z]é' })
      expect(spaced.text).toMatch(/^ [a-z]{3} [a-z]é$/)
      const chosen = await chat.complete({ ...plain, seed, choice: [' yes', ' no'] })
      expect([' yes', ' no']).toContain(chosen.text)
      const format = { type: 'json_schema', json_schema: { schema: tools[0].function.parameters } } as const
      const { text, finish_reason } = await chat.complete({ ...plain, seed, response_format: format })
      if (finish_reason === 'stop') check([{ function: { name: 'wind', arguments: text } }])
    }
  } finally {
    chat.dispose()
  }
})

describe.each(CHATS)('calls written as %s', { timeout: patience(300_000) }, (_, load) => {
  test('are what their schemas accept, asked for or not', async () => {
    const chat = await load()
    try {
      let complete = 0
      const begin = chat.tokenizer.specialTokens.get('[TOOL_CALLS]')!
      const kinds: Partial<ChatRequest>[] = [
        { tool_choice: 'required' },
        { tool_choice: 'required', parallel_tool_calls: false },
        { tool_choice: { type: 'function', function: { name: 'wind' } } },
        // Random weights would hardly come to a call by themselves.
        { parallel_tool_calls: false, logit_bias: { [begin]: 6 } },
      ]
      for (const kind of kinds) {
        for (let seed = 0; seed < 2; seed++) {
          const { tool_calls: calls, finish_reason, text } = await chat.complete({ ...wild, ...kind, seed })
          if (finish_reason === 'tool_calls') {
            check(calls!)
            complete += calls!.length
          }
          if (kind.tool_choice !== undefined) {
            expect(text).not.toMatch(/wind|stop|name|[{}]/)
            if (finish_reason !== 'tool_calls') expect(finish_reason).toBe('length')
            // All but the last are whole.
            check((calls ?? []).slice(0, -1))
          }
          if (typeof kind.tool_choice === 'object') expect(calls![0]!.function.name).toBe('wind')
        }
      }
      expect(complete).toBeGreaterThan(3)
      const bad = { ...tools[1], function: { name: 'bad', strict: true, parameters: { unevaluatedItems: 3 } } }
      await expect(chat.complete({ ...wild, tools: [bad] })).rejects.toBeInstanceOf(ParameterError)
    } finally {
      chat.dispose()
    }
  })
})
