/** GBNF grammars: what llama.cpp documents, and errors with their places. */
import { describe, expect, it } from 'vitest'
import { compileGrammar, GrammarError } from '../../src/constraints/gbnf.ts'
import { ConstraintError } from '../../src/errors.ts'
import { automatonOf, bytesOf, run } from './support.ts'

function accepts(grammar: string, text: string): boolean {
  return run(automatonOf(compileGrammar(grammar)), bytesOf(text)).accepting
}

/** From `grammars/json.gbnf` of llama.cpp. */
const JSON_GRAMMAR = String.raw`root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= | " " | "\n" [ \t]{0,20}
`

const CHESS = String.raw`# Specifies chess moves as a list in algebraic notation
root ::= (
    # it must start with the characters "1. " followed by a sequence
    "1. " move " " move "\n"
    ([1-9] [0-9]? ". " move " " move "\n")+
)
move ::= (pawn | nonpawn | castle) [+#]?
nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle ::= "O-O" "-O"?
`

describe('a GBNF grammar', () => {
  it.each([
    ['{"a": [1, 2.5e3, {"b": "x\\u00e9\\n"}], "c": null}', true],
    ['{}', true],
    ['{"a": 1,}', false],
    ['[1]', false],
    ['{"a": "\n"}', false],
    ['{"a":\n\t\t{}}', true],
  ])('of JSON: %j is %s', (text, expected) => {
    expect(accepts(JSON_GRAMMAR, text)).toBe(expected)
  })

  it('of chess', () => {
    expect(accepts(CHESS, '1. e4 e5\n2. Nf3 Nc6\n3. O-O O-O-O+\n')).toBe(true)
    expect(accepts(CHESS, '1. e4 e5\n')).toBe(false)
    expect(accepts(CHESS, '2. e4 e5\n3. e4 e5\n')).toBe(false)
  })

  it.each([
    ['root ::= [a-z]+', 'abc', 'ab1'],
    ['root ::= [^a-c\\n]', 'd', 'a'],
    ['root ::= [^a-c\\n]', '😀', '\n'],
    ['root ::= [-a]{2}', '-a', 'b-'],
    ['root ::= [a-]', '-', 'b'],
    ['root ::= "a"{2,3}', 'aaa', 'aaaa'],
    ['root ::= "a"{2,}', 'aaaaaa', 'a'],
    ['root ::= "a" {0,1} "b"', 'ab', 'aab'],
    ['root ::= "ab"?*', 'ababab', 'aba'],
    ['root ::= .', '€', '€€'],
    ['root ::= "\\x41\\u00e9\\U0001F600\\t\\"\\\\\\[\\]"', 'Aé😀\t"\\[]', 'A'],
    ['root ::= [\\x41-\\x43\\]]', ']', '\\'],
    ['root ::= a b\na ::= "x" |\n  "y"\nb ::= "z"', 'yz', 'xy'],
    ['root ::= "x"\n  | "y"', 'y', 'z'],
    ['root ::= ("x"\n | "y")\n', 'y', 'z'],
    ['root ::= "" | "a" # the end', '', 'b'],
    ['root::="(" root? ")"', '((()))', '(()'],
    ['root ::= rule-2_b\nrule-2_b ::= "q"', 'q', ''],
    ['\r\nroot ::= "a"\r\n\r\n# nothing\r\n', 'a', ''],
  ])('%j takes %j and not %j', (grammar, taken, refused) => {
    expect(accepts(grammar, taken)).toBe(true)
    expect(accepts(grammar, refused)).toBe(false)
  })

  it.each([
    ['', 1, 1, 'no rule named root'],
    ['a ::= "b"', 1, 10, 'no rule named root'],
    ['root ::= b', 1, 10, 'the rule b is not defined'],
    ['root ::= "a"\nx := "b"', 2, 3, 'expected ::='],
    ['root ::= "a', 1, 10, 'no end'],
    ['root ::= "a\n"', 1, 10, 'no end'],
    ['root ::= [a', 1, 10, 'no ]'],
    ['root ::= ("a"', 1, 10, 'no )'],
    ['root ::= "a")', 1, 13, '")" is not expected'],
    ['root ::= "é\\q"', 1, 12, 'no escape'],
    ['root ::= "\\u00g0"', 1, 11, '4 hex digits'],
    ['root ::= "\\uD83D"', 1, 11, 'no character'],
    ['root ::= "\\U00110000"', 1, 11, 'no character'],
    ['root ::= [z-a]', 1, 11, 'below its beginning'],
    ['root ::= "a"{3,2}', 1, 13, 'below its beginning'],
    ['root ::= "a"{,2}', 1, 14, 'whole number'],
    ['root ::= "a"{2', 1, 15, 'the grammar ends here'],
    ['root ::= <think> "a"', 1, 10, 'tokens by name or number'],
    ['root ::= "a" !<[10]>', 1, 14, 'tokens by name or number'],
    ['root ::= "a"\nroot ::= "b"', 2, 1, 'twice'],
    ['root ::= a "b"\na ::= root', 1, 1, 'begins with itself'],
    ['root ::= "c"\na ::= ("x"?) a "y" | "z"', 2, 1, 'begins with itself'],
    ['root ::= "a" b ::= "c"', 1, 14, 'newline'],
    ['*', 1, 1, 'name of a rule'],
  ])('%j is wrong in line %i, column %i', (grammar, line, column, fact) => {
    const error = (() => {
      try {
        compileGrammar(grammar)
        return undefined
      } catch (thrown) {
        return thrown as GrammarError
      }
    })()
    expect(error).toBeInstanceOf(GrammarError)
    expect(error!.message).toMatch(new RegExp(fact.replace(/[()[\]]/g, '\\$&').replace('"', '"')))
    expect([error!.line, error!.column]).toEqual([line, column])
  })

  it('that is hostile ends early', () => {
    const chain = Array.from({ length: 40 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n')
    expect(() => automatonOf(compileGrammar(`root ::= r0\n${chain}\nr40 ::= "a"?`))).toThrow(ConstraintError)
    const many = Array.from({ length: 3000 }, (_, i) => `a${i} ::= "x" a${i + 1}`).join('\n')
    expect(accepts(`root ::= a0\n${many}\na3000 ::= "y"`, `${'x'.repeat(3000)}y`)).toBe(true)
    expect(() => compileGrammar(`root ::= ${'('.repeat(100_000)}`)).toThrow(GrammarError)
    expect(() => compileGrammar('root ::= "a"{99999999999}')).toThrow(GrammarError)
    expect(accepts('root ::= (("a"{0,1000000}){0,1000000}){0,1000000}', 'aaaa')).toBe(true)
  })
})
