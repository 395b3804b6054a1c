/** What a request is before the model sees it. */
import { describe, expect, it } from 'vitest'
import { type ChatRequest, characters, parseRequest } from '../../src/chat/request.ts'

describe('characters', () => {
  const call = { function: { name: 'f', arguments: '{"a": "bc"}' } }
  const tool = {
    type: 'function',
    function: { name: 'f', description: 'what', parameters: { a: ['xyz', { b: 'w' }] } },
  }
  const cyclic: unknown[] = ['12345']
  cyclic.push(cyclic)

  it.each<[string, unknown, number]>([
    ['a prompt', { prompt: 'four' }, 4],
    ['ids', { prompt: [1, 2, 3] }, 0],
    ['contents', { messages: [{ content: 'ab' }, { content: [{ type: 'text', text: 'cde' }, null] }, null, 7] }, 5],
    ['arguments of calls', { messages: [{ content: null, tool_calls: [call, null] }] }, 11],
    ['tools', { tools: [tool, null, { function: null }] }, 8],
    ['nothing that is no list', { messages: 'abc', tools: { a: 'b' } }, 0],
  ])('of %s', (_, request, expected) => {
    expect(characters(request as ChatRequest)).toBe(expected)
  })

  const inTools = (parameters: unknown) =>
    characters({ tools: [{ type: 'function', function: { name: 'f', parameters } }] } as unknown as ChatRequest)

  it('end in a cycle, whatever the ways back', () => {
    expect(inTools(cyclic)).toBe(5)
    cyclic.push(cyclic, cyclic)
    expect(inTools({ cyclic, again: cyclic })).toBe(5)
  })

  it('are counted in what is nested very deep', () => {
    let deep: unknown = 'abc'
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(inTools(deep)).toBe(3)
  })
})

it('takes bad words up to 32,768 characters together', () => {
  const words = (count: number) => Array.from({ length: count }, () => 'w'.repeat(256))
  expect(parseRequest({ prompt: 'a', bad_words: words(128) }).params.bad_words).toHaveLength(128)
  expect(() => parseRequest({ prompt: 'a', bad_words: words(129) })).toThrow(
    expect.objectContaining({ parameter: 'bad_words', message: expect.stringContaining('32768 characters') }),
  )
})
