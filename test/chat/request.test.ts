/** What a request is before the model sees it. */
import { describe, expect, it } from 'vitest'
import { type ChatRequest, characters, checkRequest, limitLength, parseRequest } from '../../src/chat/request.ts'

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
  expect(parseRequest({ prompt: 'a', bad_words: words(128) }).params.text.bad_words).toHaveLength(128)
  expect(() => parseRequest({ prompt: 'a', bad_words: words(129) })).toThrow(
    expect.objectContaining({ parameter: 'bad_words', message: expect.stringContaining('32768 characters') }),
  )
})

describe('a request that was checked', () => {
  it('is not read again, and a copy of it is', () => {
    const request = checkRequest({ prompt: 'a', top_k: 3, n: 2, max_tokens: 9 })
    const parsed = parseRequest(request)
    expect(parseRequest(request)).toBe(parsed)
    expect([parsed.params.sampler.top_k, parsed.params.text.n, parsed.params.loop.max_tokens]).toEqual([3, 2, 9])
    // Its own fields are those that were sent, also on the way to a worker.
    expect(request).toEqual({ prompt: 'a', top_k: 3, n: 2, max_tokens: 9 })
    expect(structuredClone(request)).toEqual({ prompt: 'a', top_k: 3, n: 2, max_tokens: 9 })
    expect(() => parseRequest({ ...request, top_k: -5 })).toThrow('parameter "top_k" (-5)')
    expect(() => Object.assign(request, { top_k: -5 })).toThrow(TypeError)
  })

  it('is refused by the field that is wrong', () => {
    expect(() => checkRequest({ prompt: 'a', top_p: 2 })).toThrow('parameter "top_p" (2)')
    expect(() => checkRequest(null as never)).toThrow('must be an object with messages or a prompt')
  })

  it('can be limited in its length, under the name by which it limits itself', () => {
    const limited = (request: object) => {
      const short = limitLength(checkRequest({ prompt: 'a', ...request }), 100)
      const { max_tokens, max_length } = parseRequest(short).params.loop
      // Who reads its fields comes to the same.
      expect(parseRequest({ ...short }).params.loop).toEqual(parseRequest(short).params.loop)
      return [max_tokens, max_length]
    }
    expect(limited({ max_tokens: 101 })).toEqual([100, undefined])
    expect(limited({ max_completion_tokens: 1e9, max_tokens: 5 })).toEqual([100, undefined])
    expect(limited({ max_tokens: 100 })).toEqual([100, undefined])
    expect(limited({ max_length: 101 })).toEqual([Infinity, 100])
    expect(limited({ max_length: 99 })).toEqual([Infinity, 99])
    // The default is a limit like any other.
    expect(limited({})).toEqual([100, undefined])
  })
})
