import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StopFilter } from '../../src/chat/stop-filter.ts'

function stream(
  pieces: readonly string[],
  stops: readonly string[],
): { text: string; stopped: boolean; shown: string[] } {
  const filter = new StopFilter(stops)
  const shown = pieces.map((piece) => filter.push(piece))
  shown.push(filter.flush())
  return { text: shown.join(''), stopped: filter.stopped, shown }
}

/** What the answer is by definition: everything before the first stop text. */
function cut(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
  return ends.length > 0 ? text.slice(0, Math.min(...ends)) : text
}

describe('StopFilter', () => {
  test('cuts a stop text at every split of it', () => {
    const text = 'the wind END blows'
    for (let i = 0; i <= text.length; i++) {
      for (let j = i; j <= text.length; j++) {
        const { text: answer, stopped } = stream([text.slice(0, i), text.slice(i, j), text.slice(j)], ['END'])
        expect(answer).toBe('the wind ')
        expect(stopped).toBe(true)
      }
    }
  })

  test('never shows the beginning of a stop text', () => {
    expect(stream(['a\n', '\nUser'], ['\n\nUser:']).shown).toEqual(['a', '', '\n\nUser'])
    expect(stream(['a\n', '\nUser:', ' b'], ['\n\nUser:']).shown).toEqual(['a', '', '', ''])
  })

  test('gives back what turned out to be no stop text', () => {
    expect(stream(['ab', 'ab', 'ac'], ['ababab']).text).toBe('ababac')
    expect(stream(['x', 'x', 'y'], ['xxz']).text).toBe('xxy')
  })

  test('lets everything through without stop texts', () => {
    expect(stream(['a', 'b'], []).shown).toEqual(['a', 'b', ''])
  })

  test('equals cutting the whole text, for any pieces and stop texts', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 })
    const stops = fc.array(
      letters.filter((stop) => stop !== ''),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), stops, (pieces, ends) => {
        // Piece by piece the earliest complete stop text wins, which is a prefix of what the whole text would give.
        const whole = pieces.join('')
        const { text, stopped } = stream(pieces, ends)
        expect(stopped).toBe(ends.some((end) => whole.includes(end)))
        if (!stopped) expect(text).toBe(whole)
        for (const end of ends) expect(text.includes(end)).toBe(false)
        expect(whole.startsWith(text)).toBe(true)
        expect(text.length).toBeGreaterThanOrEqual(cut(whole, ends).length)
      }),
      { seed: 1 },
    )
  })
})
