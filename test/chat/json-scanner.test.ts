import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonScanner } from '../../src/chat/json-scanner.ts'

describe('the JSON scanner', () => {
  /** Whether it takes the whole text for one value. */
  const accepts = (text: string) => {
    const scanner = new JsonScanner()
    for (const char of text.split('')) {
      const step = scanner.push(char)
      if (step === 'error' || (step === 'after' && !' \n\r\t'.includes(char))) return false
    }
    return scanner.complete
  }
  const parses = (text: string) => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }

  it('agrees with JSON.parse', () => {
    const json = fc.json({ maxDepth: 5 })
    const spoilt = fc.tuple(json, fc.nat(), fc.constantFrom(...'{}[],:"\\0-.eE+tfn u', '')).map(([text, n, char]) => {
      const at = n % (text.length + 1)
      return text.slice(0, at) + char + text.slice(at + 1)
    })
    fc.assert(
      fc.property(fc.oneof(json, spoilt, fc.stringMatching(/^[-+0-9.eE]{0,8}$/)), (text) => {
        expect(accepts(text), text).toBe(parses(text))
      }),
      { seed: 1, numRuns: 3000 },
    )
  })
})
