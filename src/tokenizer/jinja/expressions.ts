/**
 * Parses expressions by the grammar of jinja2, which is not Python's everywhere: filters and tests bind closer than `*`,
 * `~` binds closer than `+`, and `**` goes from left to right.
 */
import type { Arguments, BinaryOperator, CompareOperator, Expression, Filter, Slice } from './ast.ts'
import { TemplateSyntaxError } from './errors.ts'
import { describe, type TokenStream } from './token-stream.ts'

const CONSTANTS = new Map<string, boolean | null>([
  ...(['true', 'True'] as const).map((name) => [name, true] as const),
  ...(['false', 'False'] as const).map((name) => [name, false] as const),
  ...(['none', 'None'] as const).map((name) => [name, null] as const),
])
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=']
/** Operators from the loosest to the closest; between the first two stands `~`. */
const SUMS = ['+', '-']
const PRODUCTS = ['*', '/', '//', '%']
/** Deeper than any published template, and shallow enough for code that recurses. */
const MAX_DEPTH = 120

export class ExpressionParser {
  #depth = 0

  constructor(readonly stream: TokenStream) {}

  /** One level deeper into brackets or blocks. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.stream.fail(`brackets or blocks are nested deeper than ${MAX_DEPTH} levels`)
    const result = parse()
    this.#depth--
    return result
  }

  expression(): Expression {
    return this.nested(() => this.#conditional())
  }

  /** An expression, or several with commas between them, which are a tuple. */
  tuple({ conditional = true, parenthesized = false } = {}): Expression {
    const { stream } = this
    const items: Expression[] = []
    let isTuple = false
    for (;;) {
      if (items.length > 0) stream.expect(',')
      if (stream.endsTuple()) break
      items.push(conditional ? this.expression() : this.nested(() => this.#or()))
      if (!stream.is(',')) break
      isTuple = true
    }
    if (!isTuple && items[0] !== undefined) return items[0]
    if (!isTuple && !parenthesized) stream.fail(`an expression is expected, got ${describe(stream.current)}`)
    return { kind: 'tuple', items }
  }

  #conditional(): Expression {
    const { stream } = this
    let node = this.#or()
    while (stream.isName('if')) {
      const { line } = stream.next()
      const test = this.#or()
      const otherwise = stream.skipName('else') ? this.nested(() => this.#conditional()) : undefined
      node = { kind: 'conditional', test, value: node, otherwise, line }
    }
    return node
  }

  #or(): Expression {
    let left = this.#and()
    while (this.stream.skipName('or')) left = { kind: 'or', left, right: this.#and() }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.stream.skipName('and')) left = { kind: 'and', left, right: this.#not() }
    return left
  }

  #not(): Expression {
    if (!this.stream.skipName('not')) return this.#compare()
    return { kind: 'not', node: this.nested(() => this.#not()) }
  }

  #compare(): Expression {
    const { stream } = this
    const first = this.#sum()
    const rest: { op: CompareOperator; value: Expression }[] = []
    for (;;) {
      let op: string
      if (stream.isOneOf(COMPARISONS)) op = stream.next().text
      else if (stream.skipName('in')) op = 'in'
      else if (stream.isName('not') && stream.isName('in', 1)) {
        stream.next()
        stream.next()
        op = 'not in'
      } else break
      rest.push({ op: op as CompareOperator, value: this.#sum() })
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest }
  }

  #sum(): Expression {
    return this.#binary(SUMS, () => this.#concat())
  }

  #concat(): Expression {
    const product = () => this.#binary(PRODUCTS, () => this.#binary(['**'], () => this.unary()))
    const items = [product()]
    while (this.stream.skip('~')) items.push(product())
    return items.length === 1 ? (items[0] as Expression) : { kind: 'concat', items }
  }

  #binary(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand()
    while (this.stream.isOneOf(operators)) {
      const op = this.stream.next().text as BinaryOperator
      left = { kind: 'binary', op, left, right: operand() }
    }
    return left
  }

  unary(filters = true): Expression {
    const { stream } = this
    let node: Expression
    if (stream.skip('-')) node = { kind: 'negative', node: this.nested(() => this.unary(false)) }
    else if (stream.skip('+')) node = { kind: 'positive', node: this.nested(() => this.unary(false)) }
    else node = this.#primary()
    node = this.#postfix(node)
    return filters ? this.#filters(node) : node
  }

  #primary(): Expression {
    const { stream } = this
    const token = stream.current
    if (token.type === 'name') {
      const name = stream.next().text
      const value = CONSTANTS.get(name)
      return value === undefined ? { kind: 'name', name } : { kind: 'const', value }
    }
    if (token.type === 'string') {
      let value = ''
      while (stream.current.type === 'string') value += stream.next().text
      return { kind: 'const', value }
    }
    if (token.type === 'number') return { kind: 'const', value: stream.next().number as number }
    if (stream.skip('(')) {
      const node = this.nested(() => this.tuple({ parenthesized: true }))
      stream.expect(')')
      return node
    }
    if (stream.skip('[')) return { kind: 'list', items: this.#items(']', () => this.expression()) }
    if (!stream.skip('{')) stream.fail(`unexpected ${describe(token)}`)
    const pair = () => {
      const key = this.expression()
      stream.expect(':')
      return { key, value: this.expression() }
    }
    return { kind: 'dict', items: this.#items('}', pair) }
  }

  #items<T>(end: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.stream.is(end)) {
      if (items.length > 0) this.stream.expect(',')
      if (this.stream.is(end)) break
      items.push(item())
    }
    this.stream.expect(end)
    return items
  }

  #postfix(start: Expression): Expression {
    const { stream } = this
    let node = start
    for (;;) {
      if (stream.is('.') || stream.is('[')) node = this.#subscript(node)
      else if (stream.is('(')) node = this.#call(node)
      else return node
    }
  }

  #filters(start: Expression): Expression {
    const { stream } = this
    let node = start
    for (;;) {
      if (stream.is('|')) node = this.filter(node) as Filter
      else if (stream.isName('is')) node = this.#test(node)
      // A call is allowed after filters and tests too.
      else if (stream.is('(')) node = this.#call(node)
      else return node
    }
  }

  #subscript(node: Expression): Expression {
    const { stream } = this
    if (stream.next().text === '.') {
      const { type, text, number, line } = stream.next()
      if (type === 'name') return { kind: 'attribute', node, name: text }
      if (typeof number !== 'number' && typeof number !== 'bigint')
        throw new TemplateSyntaxError('a name or number is expected', line)
      return { kind: 'item', node, index: { kind: 'const', value: number } }
    }
    const items: (Expression | Slice)[] = []
    while (!stream.is(']')) {
      if (items.length > 0) stream.expect(',')
      items.push(this.#subscribed())
    }
    stream.expect(']')
    const [index] = items
    if (index !== undefined && items.length === 1) return { kind: 'item', node, index }
    if (items.some((item) => item.kind === 'slice')) stream.fail('several slices in one index are not supported')
    return { kind: 'item', node, index: { kind: 'tuple', items: items as Expression[] } }
  }

  #subscribed(): Expression | Slice {
    const { stream } = this
    const part = () => (stream.is(':') || stream.is(']') || stream.is(',') ? undefined : this.expression())
    const start = part()
    if (!stream.skip(':')) return start ?? stream.fail('an index is expected')
    const stop = part()
    return { kind: 'slice', start, stop, step: stream.skip(':') ? part() : undefined }
  }

  #call(node: Expression): Expression {
    const { line } = this.stream.current
    return { kind: 'call', node, call: this.arguments(), line }
  }

  arguments(): Arguments {
    const { stream } = this
    const args: Expression[] = []
    const kwargs: { name: string; value: Expression }[] = []
    let rest: Expression | undefined
    let keywords: Expression | undefined
    const ensure = (ok: boolean) => ok || stream.fail('invalid syntax for function call expression')
    stream.expect('(')
    for (let first = true; !stream.is(')'); first = false) {
      if (!first) stream.expect(',')
      if (stream.is(')')) break
      if (stream.is('*')) {
        ensure(rest === undefined && keywords === undefined)
        stream.next()
        rest = this.expression()
      } else if (stream.is('**')) {
        ensure(keywords === undefined)
        stream.next()
        keywords = this.expression()
      } else if (stream.current.type === 'name' && stream.is('=', 1)) {
        const name = stream.next().text
        stream.next()
        ensure(keywords === undefined && !kwargs.some((kwarg) => kwarg.name === name))
        kwargs.push({ name, value: this.expression() })
      } else {
        ensure(rest === undefined && keywords === undefined && kwargs.length === 0)
        args.push(this.expression())
      }
    }
    stream.expect(')')
    return { args, kwargs, rest, keywords }
  }

  /** All filters that follow `node`; the first needs no `|` where a block begins with it. undefined when there is none. */
  filter(node: Expression | undefined, inline = false): Filter | undefined {
    const { stream } = this
    let result: Filter | undefined
    for (let first = inline; first || stream.is('|'); first = false) {
      if (!first) stream.next()
      const { line } = stream.current
      const name = this.#dottedName()
      const call = stream.is('(') ? this.arguments() : NO_ARGUMENTS
      result = { kind: 'filter', node: result ?? node, name, call, line }
    }
    return result
  }

  #test(node: Expression): Expression {
    const { stream } = this
    const { line } = stream.next()
    const negated = stream.skipName('not')
    const name = this.#dottedName()
    let call = NO_ARGUMENTS
    if (stream.is('(')) call = this.arguments()
    else if (stream.beginsTestArgument()) {
      if (stream.isName('is')) stream.fail('several tests cannot be chained with is')
      call = { args: [this.#postfix(this.#primary())], kwargs: [] }
    }
    const test: Expression = { kind: 'test', node, name, call, line }
    return negated ? { kind: 'not', node: test } : test
  }

  #dottedName(): string {
    let name = this.stream.expectName()
    while (this.stream.skip('.')) name += `.${this.stream.expectName()}`
    return name
  }
}

const NO_ARGUMENTS: Arguments = { args: [], kwargs: [] }
