/** What an answer is made of, without a model: tokens in, chunks out. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Answer, type AnswerOptions, type ChatChoice, type ChatChunk, type Piece } from '../../src/chat/answer.ts'
import { ToolCallStream } from '../../src/chat/tool-calls.ts'
import { forcedCall, toolCallTokens } from '../../src/chat/tool-tokens.ts'
import type { FinishReason } from '../../src/generate/types.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture, fixtureBytes } from '../tokenizer/support.ts'
import { joined, namedCallsVocabulary } from './support.ts'

const v3 = await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))
const byteLevel = await Tokenizer.fromJson(fixture('byte-level.tokenizer.json.gz'))
const VOCABULARIES: [string, Tokenizer][] = [
  ['SentencePiece', v3],
  ['tokenizer.json with Metaspace', await Tokenizer.fromJson(fixture('metaspace-first.tokenizer.json.gz'))],
  ['byte-level', byteLevel],
]
const PLAIN: AnswerOptions = { index: 0, stops: [], logprobs: true, after: undefined, lead: '', tools: undefined }
const toolsOf = (tokenizer: Tokenizer) => ({
  tokens: toolCallTokens(tokenizer)!,
  maxCalls: Number.POSITIVE_INFINITY,
  Calls: ToolCallStream,
})

/** Lets the answer see the tokens up to a stop, `ahead` of the reader, and reads all chunks. */
function run(
  tokenizer: Tokenizer,
  ids: readonly number[],
  options: Partial<AnswerOptions> = {},
  { reason = 'length' as FinishReason, ahead = 0 } = {},
): { choice: ChatChoice; chunks: ChatChunk[] } {
  const answer = new Answer(tokenizer, { ...PLAIN, ...options })
  const chunks: ChatChunk[] = []
  const waiting: { tokenId: number; finishReason: FinishReason | null; note: Piece }[] = []
  const read = (count: number) => {
    for (const step of waiting.splice(0, count)) {
      const logprobs = { tokenId: step.tokenId, logprob: -1, top: [{ tokenId: step.tokenId, logprob: -1 }] }
      const chunk = answer.step({ ...step, logprobs })
      if (chunk) chunks.push(chunk)
    }
  }
  for (const [i, tokenId] of ids.entries()) {
    const { stop, note } = answer.see(tokenId)
    const last = stop || i === ids.length - 1
    waiting.push({ tokenId, finishReason: stop ? 'stop' : last ? reason : null, note: note! })
    if (last) break
    if (waiting.length > ahead) read(1)
  }
  read(waiting.length)
  return { choice: answer.choice(chunks.at(-1)!.finish_reason!), chunks }
}

const utf8 = (text: string) => [...new TextEncoder().encode(text)]
const bytesOf = (choice: Pick<ChatChoice, 'logprobs'>) => choice.logprobs!.flatMap(({ bytes }) => bytes)

const texts = fc
  .array(fc.constantFrom('a', 'the wind', ' ', '  ', '\n', '.', 'é', '風', '🌬', '\ufeff', 'mistral', '▁', '<', '1'), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join(''))

describe.each(VOCABULARIES)('logprobs with %s', (_, tokenizer) => {
  it('are those of the tokens whose bytes the text is made of', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom('start', 'after-control'), fc.nat({ max: 5 }), (text, place, ahead) => {
        const ids = [...tokenizer.encodePart(text, place), tokenizer.eosId!]
        const { choice, chunks } = run(tokenizer, ids, {}, { reason: 'stop', ahead })
        expect(choice.text).toBe(tokenizer.decode(ids))
        expect(bytesOf(choice)).toEqual(utf8(choice.text))
        expect(chunks.flatMap(({ logprobs }) => logprobs)).toEqual(choice.logprobs)
        // The best token stands in the same place as the chosen one.
        for (const { top_logprobs: top, token, bytes } of choice.logprobs!)
          expect(top[0]).toMatchObject({ token, bytes })
        // A piece's tokens begin in its text.
        let shown = 0
        let spelt = 0
        for (const chunk of chunks) {
          shown += utf8(chunk.text).length
          for (const { bytes } of chunk.logprobs!) {
            expect(spelt).toBeLessThan(shown)
            spelt += bytes.length
          }
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('end with the last token of which some text is left before a stop text', () => {
    const stops = fc.array(fc.constantFrom('wind', 'd ', 'e w', ' ', 'é', '風🌬', '\n', 'ral', 'a'), { maxLength: 2 })
    fc.assert(
      fc.property(texts, stops, fc.nat({ max: 5 }), (text, ends, ahead) => {
        const { choice, chunks } = run(
          tokenizer,
          tokenizer.encodePart(text, 'after-control'),
          { stops: ends },
          { ahead },
        )
        const shown = utf8(choice.text)
        const spelt = bytesOf(choice)
        expect(chunks.flatMap(({ logprobs }) => logprobs)).toEqual(choice.logprobs)
        expect(spelt.slice(0, shown.length)).toEqual(shown)
        if (choice.finish_reason === 'length') expect(spelt).toEqual(shown)
        const last = choice.logprobs!.at(-1)
        if (last === undefined) expect(choice.text).toBe('')
        // Without its last token there would be text left over.
        else expect(spelt.length - last.bytes.length).toBeLessThan(shown.length)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('logprobs', () => {
  it('are null when nobody asked', () => {
    const { choice, chunks } = run(v3, v3.encode('the wind'), { logprobs: false })
    expect(choice.logprobs).toBeNull()
    for (const { logprobs } of chunks) expect(logprobs).toBeNull()
  })

  it('keep the first space of a text that continues its prompt', () => {
    const ids = v3.encode('the wind')
    const { choice } = run(v3, ids, { after: v3.encode('of') })
    expect(choice.text).toBe(' the wind')
    expect(choice.logprobs![0]!.token).toBe(' the')
    expect(bytesOf(choice)).toEqual(utf8(' the wind'))
    expect(run(v3, ids).choice.logprobs![0]!.token).toBe('the')
  })

  it('leave out calls, and have what the model wrote beside them', () => {
    const begin = toolCallTokens(v3)!.begin
    const call = [begin, ...v3.encode('[{"name": "f", "arguments": {"a": 1, oops}}]'), v3.eosId!]
    const { choice } = run(v3, [...v3.encode('the wind'), ...call], { tools: toolsOf(v3) }, { reason: 'stop' })
    expect(choice).toMatchObject({ text: 'the windoops}}]', finish_reason: 'stop' })
    expect(new TextDecoder().decode(Uint8Array.from(bytesOf(choice)))).toMatch(/^the wind\W*oops}}]$/)
    const junk = run(v3, [begin, ...v3.encode('no call')], { tools: toolsOf(v3) }).choice
    expect(junk).toMatchObject({ text: 'no call', tool_calls: null })
    expect(bytesOf(junk)).toEqual(utf8('no call'))
    const whole = run(v3, [begin, ...v3.encode('[{"name": "f", "arguments": {}}]')], { tools: toolsOf(v3) })
    expect(whole.choice).toMatchObject({ text: '', logprobs: [] })
  })
})

it('ends with the last call that the request allows', () => {
  const begin = toolCallTokens(v3)!.begin
  const ids = v3.encode('[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]')
  const tools = { ...toolsOf(v3), maxCalls: 1 }
  const { choice } = run(v3, [begin, ...ids], { tools }, { reason: 'length' })
  expect(choice).toMatchObject({ finish_reason: 'tool_calls', text: '', tool_calls: [{ function: { name: 'f' } }] })
  expect(choice.token_ids.length).toBeLessThan(ids.length)
})

describe('calls that are cut off', () => {
  const LIST =
    ' [{"name": "wind", "arguments": {"place": "Arles"}, "id": "Ab3456789"}, {"name": "stop", "arguments": {}}]'
  const list = [toolCallTokens(v3)!.begin, ...v3.encodePart(LIST.slice(1), 'start'), v3.eosId!]
  const letters = (text: string) => Array.from(text, (char) => namedCallsVocabulary.tokenToId(char)!)
  const [begin, callId, args, eos] = ['[TOOL_CALLS]', '[CALL_ID]', '[ARGS]', '</s>'].map(
    (name) => namedCallsVocabulary.specialTokens.get(name)!,
  ) as [number, number, number, number]
  const named = [begin, ...letters('wind'), args, ...letters('{"place":"arles"}')]
  const namedTwo = [...named, begin, ...letters('stop'), callId, ...letters('ab3456789'), args, ...letters('{}'), eos]

  it.each<[string, Tokenizer, number[]]>([
    ['a list', v3, list],
    ['named calls', namedCallsVocabulary, namedTwo],
  ])('%s: what is streamed joins to the message, and says why it ended', (_, tokenizer, ids) => {
    const tools = toolsOf(tokenizer)
    const full = run(tokenizer, ids, { tools }, { reason: 'stop' }).choice
    expect(full).toMatchObject({ finish_reason: 'tool_calls', text: '', tool_calls: [{}, {}] })
    for (const reason of ['length', 'stop'] as const) {
      for (let count = 1; count < ids.length; count++) {
        const { choice, chunks } = run(tokenizer, ids.slice(0, count), { tools }, { reason })
        const deltas = chunks.flatMap(({ tool_calls: some }) => some ?? [])
        const calls = (choice.tool_calls ?? []).map(({ id, function: fn }) => ({ id, ...fn }))
        expect(joined(deltas)).toEqual(calls)
        expect(chunks.map(({ text }) => text).join('')).toBe(choice.text)
        const complete = calls.every(({ arguments: json }, i) => json === full.tool_calls![i]!.function.arguments)
        if (reason === 'length' || calls.length === 0) expect(choice.finish_reason).toBe(reason)
        else if (!complete) expect(choice.finish_reason).toBe('stop')
        else expect(['stop', 'tool_calls']).toContain(choice.finish_reason)
        // Text of a call with a name is in the call alone.
        if (calls.length > 0) expect(choice.text).not.toContain('arguments')
        if (calls.length > 0) expect(choice.text).not.toContain('place')
      }
    }
  })

  it.each<[string, Tokenizer, number[]]>([
    ['a list', v3, v3.encode('{"place": "Ar')],
    ['named calls', namedCallsVocabulary, letters('{"place":"ar')],
  ])('%s: a forced call is in the message once, with the ids that forced it', (_, tokenizer, ids) => {
    const forced = forcedCall(tokenizer, { name: 'wind' })
    const { choice, chunks } = run(tokenizer, ids, { tools: { ...toolsOf(tokenizer), forced } })
    expect(choice.text).toBe('')
    expect(choice.tool_calls).toMatchObject([{ function: { name: 'wind', arguments: tokenizer.decode(ids) } }])
    expect(joined(chunks.flatMap(({ tool_calls: some }) => some ?? []))).toMatchObject([
      { name: 'wind', arguments: tokenizer.decode(ids) },
    ])
    expect(choice.finish_reason).toBe('length')
    expect(choice.token_ids).toEqual([...forced.ids, ...ids])
    expect(chunks.flatMap(({ token_ids }) => token_ids)).toEqual(choice.token_ids)
  })

  it('a stop text is not shown in what is left of a broken call', () => {
    const ids = [toolCallTokens(v3)!.begin, ...v3.encode('the wind is over'), v3.eosId!]
    const { choice, chunks } = run(v3, ids, { tools: toolsOf(v3), stops: [' is'] }, { reason: 'stop' })
    expect(choice).toMatchObject({ text: 'the wind', finish_reason: 'stop' })
    expect(chunks.map(({ text }) => text).join('')).toBe('the wind')
    expect(bytesOf(choice)).toEqual(utf8('the wind'))
  })
})
