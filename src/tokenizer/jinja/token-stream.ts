/** The tokens of a template, read one after the other. */
import { shortened } from '../../errors/show.ts'
import { TemplateSyntaxError } from './errors.ts'
import type { Token } from './lexer.ts'

export class TokenStream {
  #at = 0

  constructor(private readonly tokens: readonly Token[]) {}

  get current(): Token {
    return this.tokens[this.#at] as Token
  }

  next(): Token {
    const token = this.current
    if (token.type !== 'end') this.#at++
    return token
  }

  /** Whether the token `ahead` places on is this operator. */
  is(operator: string, ahead = 0): boolean {
    const token = this.tokens[this.#at + ahead]
    return token?.type === 'operator' && token.text === operator
  }

  isName(name: string, ahead = 0): boolean {
    const token = this.tokens[this.#at + ahead]
    return token?.type === 'name' && token.text === name
  }

  isOneOf(operators: readonly string[]): boolean {
    return this.current.type === 'operator' && operators.includes(this.current.text)
  }

  skip(operator: string): boolean {
    const found = this.is(operator)
    if (found) this.#at++
    return found
  }

  skipName(name: string): boolean {
    const found = this.isName(name)
    if (found) this.#at++
    return found
  }

  expect(operator: string): void {
    if (!this.skip(operator)) this.fail(`'${operator}' is expected, got ${describe(this.current)}`)
  }

  expectName(): string {
    if (this.current.type !== 'name') this.fail(`a name is expected, got ${describe(this.current)}`)
    return this.next().text
  }

  expectEnd(type: 'block_end' | 'variable_end'): void {
    if (this.current.type !== type) {
      this.fail(`'${type === 'block_end' ? '%}' : '}}'}' is expected, got ${describe(this.current)}`)
    }
    this.next()
  }

  /** The tokens that end a tuple without brackets. */
  endsTuple(): boolean {
    return this.current.type === 'variable_end' || this.current.type === 'block_end' || this.is(')')
  }

  /** Whether the argument of a test follows, which needs no brackets. */
  beginsTestArgument(): boolean {
    const { type, text } = this.current
    if (type === 'name') return text !== 'else' && text !== 'or' && text !== 'and'
    return type === 'string' || type === 'number' || this.is('[') || this.is('{')
  }

  fail(fact: string): never {
    throw new TemplateSyntaxError(fact, this.current.line)
  }
}

export function describe({ type, text }: Token): string {
  if (type === 'end') return 'the end of the template'
  if (type === 'block_end') return "'%}'"
  if (type === 'variable_end') return "'}}'"
  return type === 'data' ? 'text' : `'${shortened(text, 40)}'`
}
