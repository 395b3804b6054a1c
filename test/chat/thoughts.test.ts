/** Thoughts in answers, with tokens that are given and not drawn. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Answer, type AnswerOptions, type ChatChunk } from '../../src/chat/answer.ts'
import { endsInThought, thinkingTokens } from '../../src/chat/thoughts.ts'
import { ToolCallStream } from '../../src/chat/tool-calls.ts'
import { toolCallTokens } from '../../src/chat/tool-tokens.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { vocabulary } from '../tokenizer/formats.ts'

const tokenizer = await vocabulary('tekken-v13-think')
const tokens = thinkingTokens(tokenizer)!
const thinking = { ...tokens, open: false }
const { begin, end } = tokens
const eos = tokenizer.eosId!
const text = (value: string) => tokenizer.encodePart(value, 'after-control')
const PLAIN: AnswerOptions = {
  index: 0,
  stops: [],
  logprobs: false,
  after: undefined,
  lead: '',
  tools: undefined,
  thinking,
}

function run(ids: readonly number[], options: Partial<AnswerOptions> = {}) {
  const answer = new Answer(tokenizer, { ...PLAIN, ...options })
  const chunks: ChatChunk[] = []
  for (const [i, tokenId] of ids.entries()) {
    const { stop, note } = answer.see(tokenId)
    const last = stop || i === ids.length - 1
    const logprobs = { tokenId, logprob: -1, top: [{ tokenId, logprob: -1 }] }
    const chunk = answer.step({ tokenId, note: note!, logprobs, finishReason: last ? 'stop' : null })
    if (chunk) chunks.push(chunk)
    if (last) break
  }
  const choice = answer.choice(chunks.at(-1)!.finish_reason!)
  expect(chunks.map((chunk) => chunk.text).join('')).toBe(choice.text)
  expect(chunks.map((chunk) => chunk.reasoning_content ?? '').join('')).toBe(choice.reasoning_content ?? '')
  expect(chunks.flatMap(({ token_ids }) => token_ids)).toEqual(choice.token_ids)
  return { choice, chunks }
}

describe('a thought', () => {
  it('stands apart from the text', () => {
    const ids = [begin, ...text('The user wants… 😀'), end, ...text('Ok.'), eos]
    const { choice, chunks } = run(ids)
    expect(choice).toMatchObject({ text: 'Ok.', reasoning_content: 'The user wants… 😀', finish_reason: 'stop' })
    for (const chunk of chunks) expect([chunk.text === '', chunk.reasoning_content === null]).toContain(true)
    expect(choice.token_ids).toEqual(ids)
  })

  it('is null where there is none', () => {
    expect(run([...text('Ok.'), eos]).choice).toMatchObject({ text: 'Ok.', reasoning_content: null })
    expect(run([begin, end, ...text('Ok.'), eos]).choice).toMatchObject({ text: 'Ok.', reasoning_content: null })
    // An end without a beginning ends nothing.
    expect(run([end, ...text('Ok.'), eos]).choice).toMatchObject({ text: 'Ok.', reasoning_content: null })
  })

  it('may be cut off, come later, and come twice', () => {
    expect(run([begin, ...text('Hm. Let')]).choice).toMatchObject({ text: '', reasoning_content: 'Hm. Let' })
    const cut = tokenizer.encodePart('🧊', 'after-control').slice(0, -1)
    expect(run([begin, ...text('Hm'), ...cut]).choice.reasoning_content).toBe('Hm\ufffd')
    const twice = [...text('A'), begin, ...text('b'), end, ...text('C'), begin, ...text('d'), end, eos]
    expect(run(twice).choice).toMatchObject({ text: 'AC', reasoning_content: 'bd' })
  })

  it('ends with the calls that it leads to', () => {
    const toolTokens = toolCallTokens(tokenizer)!
    const tools = { tokens: toolTokens, maxCalls: 3, Calls: ToolCallStream }
    const args = tokenizer.specialTokens.get('[ARGS]')!
    const call = [toolTokens.begin, ...text('speed'), args, ...text('{"a": 1}'), eos]
    for (const ids of [
      [begin, ...text('Hm.'), end, ...call],
      [begin, ...text('Hm.'), ...call],
    ]) {
      expect(run(ids, { tools }).choice).toMatchObject({
        text: '',
        reasoning_content: 'Hm.',
        tool_calls: [{ function: { name: 'speed', arguments: '{"a": 1}' } }],
        finish_reason: 'tool_calls',
      })
    }
  })

  it('that a call has ended has no budget to use up', () => {
    const toolTokens = toolCallTokens(tokenizer)!
    const tools = { tokens: toolTokens, maxCalls: 3, Calls: ToolCallStream }
    const answer = new Answer(tokenizer, { ...PLAIN, tools, thinking: { ...tokens, open: true, budget: 2 } })
    for (const [id, over] of [
      [text('a')[0]!, false],
      [toolTokens.begin, false],
      ...text('speed').map((own) => [own, false] as const),
    ] as const) {
      expect([answer.see(id).note!.over, answer.overBudget]).toEqual([over, over])
    }
    const forced = { ids: [toolTokens.begin], named: false, feed: () => [] }
    const asked = { ...tools, forced }
    const begun = new Answer(tokenizer, { ...PLAIN, tools: asked, thinking: { ...tokens, open: true, budget: 0 } })
    expect(begun.overBudget).toBe(false)
  })

  it('is not ended by a stop text, and has no log-probabilities', () => {
    const ids = [begin, ...text('One. Two.'), end, ...text('Three. Four.'), eos]
    const { choice } = run(ids, { stops: ['. '], logprobs: true })
    expect(choice).toMatchObject({ text: 'Three', reasoning_content: 'One. Two.', finish_reason: 'stop' })
    expect(choice.logprobs!.map(({ token }) => token).join('')).toMatch(/^Three/)
  })

  it('is text where nothing tells them apart', () => {
    const ids = [begin, ...text('Hm.'), end, ...text('Ok.'), eos]
    expect(run(ids, { thinking: undefined }).choice).toMatchObject({ text: 'Hm.Ok.', reasoning_content: null })
  })

  it('gives the same at any place of its tokens', () => {
    const part = fc.constantFrom('a', ' the wind', '風', '\n', '.', '🌬')
    const parts = fc.array(fc.record({ thought: fc.boolean(), value: part }), { maxLength: 12 })
    fc.assert(
      fc.property(parts, (all) => {
        const ids = all.flatMap(({ thought, value }) => (thought ? [begin, ...text(value), end] : text(value)))
        const of = (which: boolean) => all.flatMap(({ thought, value }) => (thought === which ? [value] : [])).join('')
        const { choice } = run([...ids, eos])
        expect([choice.text, choice.reasoning_content ?? '']).toEqual([of(false), of(true)])
      }),
      { seed: 1 },
    )
  })
})

describe('an answer that begins inside a thought', async () => {
  const user = { role: 'user', content: 'Hi' }
  const template = await ChatTemplate.builtIn('v13')
  const inside = (answer: object) =>
    endsInThought(template.encode([user, { role: 'assistant', ...answer } as typeof user], tokenizer), tokens)

  it('goes on with it', () => {
    const { choice } = run([...text(' more'), end, ...text('Ok.'), eos], { thinking: { ...tokens, open: true } })
    expect(choice).toMatchObject({ text: 'Ok.', reasoning_content: ' more' })
  })

  it('is told by the prompt', () => {
    const thought = (closed: boolean) => [{ type: 'thinking', thinking: 'Hm', closed }]
    expect(inside({ content: thought(false), prefix: true })).toBe(true)
    expect(inside({ content: thought(true), prefix: true })).toBe(false)
    expect(inside({ content: [...thought(true), { type: 'text', text: 'Ok' }] })).toBe(false)
    expect(endsInThought(template.encode([user], tokenizer), tokens)).toBe(false)
  })

  it('needs a vocabulary with tokens for thoughts', async () => {
    expect(thinkingTokens(await vocabulary('tekken-v13'))).toBeUndefined()
  })
})
