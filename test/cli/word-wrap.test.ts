/** What a terminal shows of a text that streams through the word wrap, as a terminal emulator draws it. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WordWrap } from '../../src/cli/word-wrap.ts'
import { screen } from './screen.ts'

/** The lines on a screen after the pieces were written. */
async function shown(pieces: readonly string[], columns: number): Promise<string[]> {
  const on = screen(columns)
  const wrap = new WordWrap(() => on.columns)
  for (const piece of pieces) await on.write(wrap.push(piece))
  return on.lines()
}

describe('lines', () => {
  it('break at words, whatever pieces the text comes in', async () => {
    const text = 'The mistral blows through the valley of the Rhône'
    const lines = ['The mistral', 'blows through', 'the valley of', 'the Rhône']
    expect(await shown([text], 14)).toEqual(lines)
    expect(await shown([...text], 14)).toEqual(lines)
    expect(await shown(['The mist', 'ral blo', 'ws thr', 'ough the val', 'ley of the Rhô', 'ne'], 14)).toEqual(lines)
  })

  it('are as long as the window, and a blank at the margin begins none', async () => {
    expect(await shown(['abc def ghi'], 7)).toEqual(['abc def', 'ghi'])
    expect(await shown(['abc def', ' ', 'ghi'], 7)).toEqual(['abc def', 'ghi'])
    expect(await shown(['abc def\nghi'], 7)).toEqual(['abc def', 'ghi'])
    expect(await shown(['abc def \nghi'], 7)).toEqual(['abc def', 'ghi'])
    expect(await shown(['abc def\n\nghi'], 7)).toEqual(['abc def', '', 'ghi'])
  })

  it('that the model ended stay', async () => {
    expect(await shown(['one\ntwo three\n', '\n- four'], 20)).toEqual(['one', 'two three', '', '- four'])
  })

  it('break inside a word only when it is longer than a line', async () => {
    expect(await shown(['see https://example.com/a/long/path ok'], 12)).toEqual([
      'see',
      'https://exam',
      'ple.com/a/lo',
      'ng/path ok',
    ])
  })

  it('of code are left to the terminal', async () => {
    const code = '```js\nconst a = (b) => b + 1\n```\nand on goes it'
    expect(await shown([code], 10)).toEqual(['```js', 'const a =', '(b) => b +', ' 1', '```', 'and on', 'goes it'])
  })

  it('count wide characters twice, and break between them', async () => {
    expect(await shown(['日本語の文章です。'], 8)).toEqual(
      ['日本語の', '文章です', '。'].slice(0, 1).concat(['文章で', 'す。']),
    )
    expect(await shown(['ab 日本 cd'], 7)).toEqual(['ab 日本', 'cd'])
    expect(await shown(['aaaa 👍👍 b'], 8)).toEqual(['aaaa 👍', '👍 b'])
  })

  it('keep a combining accent with its letter', async () => {
    expect(await shown(['abcd efge\u0301', 'h'], 8)).toEqual(['abcd', 'efge\u0301h'])
  })

  it('count a tab to its next stop', async () => {
    expect(await shown(['a\tbcd efgh'], 12)).toEqual(['a       bcd', 'efgh'])
  })
})

describe('a window that changes', () => {
  it.each([10, 16, 34])('to %i columns is followed from the next word on', async (columns) => {
    const on = screen(20)
    const wrap = new WordWrap(() => on.columns)
    await on.write(wrap.push('one two thr'))
    on.resize(columns)
    await on.write(wrap.push('ee four five six seven eight nine ten'))
    const lines = await on.lines()
    const from = lines.findIndex((line) => line.startsWith('four'))
    expect(from).toBeGreaterThan(0)
    const rest = lines.slice(from)
    expect(Math.max(...rest.map((line) => line.length))).toBeLessThanOrEqual(columns)
    expect(rest.join(' ')).toBe('four five six seven eight nine ten')
    expect(rest.length).toBe(columns === 34 ? 1 : columns === 16 ? 3 : 4)
  })
})

describe('any text', () => {
  it('shows each of its words, none of them cut, in order', async () => {
    const word = fc.stringMatching(/^[a-zé日本]{1,9}$/)
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 30 }), fc.integer({ min: 18, max: 40 }), async (words, columns) => {
        const text = words.join(' ')
        const lines = await shown(text.split(/(?<=e)/), columns)
        expect(lines.join(' ').replace(/\s+/g, '')).toBe(text.replace(/\s+/g, ''))
        const latin = words.filter((word) => /^[a-zé]+$/.test(word))
        const seen = lines.flatMap((line) => line.split(' '))
        for (const one of latin) expect(seen.some((part) => part.includes(one))).toBe(true)
      }),
      { seed: 1, numRuns: 60 },
    )
  })
})
