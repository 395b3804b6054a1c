/** The first token of a text that drops the space before its first word. */
import { describe, expect, it } from 'vitest'
import { Engine } from '../../src/constraints/engine.ts'
import { type Expression, utf8 } from '../../src/constraints/expression.ts'
import { compileGrammar } from '../../src/constraints/gbnf.ts'
import { parseRegex } from '../../src/constraints/regex.ts'
import { ConstraintError } from '../../src/errors.ts'
import { bytesOf } from './support.ts'

describe('a first token whose space the text drops', () => {
  const tokens = [' ', ' yes', 'yes', '  yes', ' no', 'no']
  const source = {
    size: tokens.length + 1,
    bytes: (id: number) => (id < tokens.length ? bytesOf(tokens[id]!) : undefined),
    endIds: [tokens.length],
  }
  const allowed = (mask: Uint32Array) =>
    Array.from({ length: source.size }, (_, id) => id).filter((id) => ((mask[0]! >>> id) & 1) === 1)

  it.each<[string, () => Expression]>([
    ['a pattern', () => utf8(parseRegex(' yes| no'))],
    ['a grammar', () => compileGrammar('root ::= " yes" | " no"')],
  ])('may be that space alone: %s', (_, make) => {
    const constraint = new Engine(source).compile(undefined, make, true)()
    expect(allowed(constraint.mask())).toEqual([0, 3])
    constraint.accept(0)
    expect(allowed(constraint.mask())).toEqual([0, 1, 4])
    constraint.accept(1)
    expect(constraint.complete).toBe(true)
    expect(allowed(constraint.mask())).toEqual([tokens.length])
  })

  it('is not dropped from the token of the byte, or where the source says so', () => {
    const firstBytes = (id: number) =>
      id === 0 ? bytesOf(' ') : id === 1 ? undefined : bytesOf(tokens[id]!).subarray(1)
    const engine = new Engine({ ...source, firstBytes })
    const begun = (pattern: string) => engine.compile(pattern, () => utf8(parseRegex(pattern)), true)()
    expect(allowed(begun('yes|no').mask())).toEqual([2, 4, 5])
    const spaced = begun(' yes| no')
    expect(allowed(spaced.mask())).toEqual([0, 3])
    expect(() => spaced.fork().accept(1)).toThrow(ConstraintError)
    spaced.accept(0)
    expect(allowed(spaced.mask())).toEqual([2, 5])
  })
})
