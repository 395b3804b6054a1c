/**
 * Parses a template by the grammar of jinja2, with the tags that transformers adds: `break`, `continue`, `generation`.
 *
 * The grammar is written out here because `@huggingface/jinja` reads another language than Python's: it folds `1 < 2 < 3`
 * into `(1 < 2) < 3`, has no tuple of one, no tests with arguments, no `with`, `raw` or recursive loops, binds `~` like `+`,
 * refuses `\/` in a string, and trims white space at other places. Little of it would have been left.
 */
import type { Branch, Expression, Parameter, Statement, Target } from './ast.ts'
import { TemplateSyntaxError } from './errors.ts'
import { ExpressionParser } from './expressions.ts'
import { tokenize } from './lexer.ts'
import { describe, TokenStream } from './token-stream.ts'

/** Tags that need other templates, which a checkpoint does not have, or another mode of escaping. */
const REFUSED = ['extends', 'include', 'import', 'from', 'autoescape']

/** @throws TemplateSyntaxError */
export function parseTemplate(source: string): Statement[] {
  return new Parser(new TokenStream(tokenize(source))).template()
}

class Parser {
  readonly #expressions: ExpressionParser
  readonly #blocks = new Set<string>()
  /** Loops around the current place, within the same macro. */
  #loops = 0

  constructor(private readonly stream: TokenStream) {
    this.#expressions = new ExpressionParser(stream)
  }

  template(): Statement[] {
    const body = this.#until([])
    if (this.stream.current.type !== 'end') this.stream.fail(`unexpected ${describe(this.stream.current)}`)
    return body
  }

  /** Statements up to a tag with one of these names. Its name is the current token afterwards. */
  #until(ends: readonly string[]): Statement[] {
    const { stream } = this
    const body: Statement[] = []
    while (stream.current.type !== 'end') {
      const { type, text, line } = stream.next()
      if (type === 'data') body.push({ kind: 'text', text })
      else if (type === 'variable_begin') {
        body.push({ kind: 'output', node: this.#expressions.tuple(), line })
        stream.expectEnd('variable_end')
      } else {
        if (stream.current.type === 'name' && ends.includes(stream.current.text)) return body
        body.push(...this.#expressions.nested(() => this.#statement(ends)))
        stream.expectEnd('block_end')
      }
    }
    if (ends.length > 0) stream.fail(`the template ends before {% ${ends.join(' %} or {% ')} %}`)
    return body
  }

  /** The body of a block, up to and with the name of its end. */
  #body(...ends: string[]): Statement[] {
    this.stream.skip(':')
    this.stream.expectEnd('block_end')
    return this.#until(ends)
  }

  #bodyTo(end: string): Statement[] {
    const body = this.#body(end)
    this.stream.next()
    return body
  }

  #statement(ends: readonly string[]): Statement[] {
    const { stream } = this
    const { type, text: tag, line } = stream.current
    if (type !== 'name') stream.fail(`the name of a tag is expected, got ${describe(stream.current)}`)
    if (REFUSED.includes(tag)) stream.fail(`{% ${tag} %} is not supported in chat templates`)
    stream.next()
    switch (tag) {
      case 'if':
        return [this.#if(line)]
      case 'for':
        return [this.#for(line)]
      case 'set':
        return [this.#set(line)]
      case 'macro':
        return [this.#macro(line)]
      case 'call':
        return [this.#callBlock(line)]
      case 'filter':
        return [this.#filterBlock(line)]
      case 'with':
        return [this.#with(line)]
      case 'block':
        return [this.#block(line)]
      case 'print':
        return this.#print()
      case 'generation':
        return [{ kind: 'generation', name: '', body: this.#inMacro(() => this.#bodyTo('endgeneration')) }]
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateSyntaxError(`{% ${tag} %} outside of a loop`, line)
        return [{ kind: tag }]
      default: {
        const hint = ends.length > 0 ? `; {% ${ends.join(' %} or {% ')} %} is expected` : ''
        throw new TemplateSyntaxError(`unknown tag {% ${tag} %}${hint}`, line)
      }
    }
  }

  #if(firstLine: number): Statement {
    const branches: Branch[] = []
    let line = firstLine
    for (;;) {
      const test = this.#expressions.tuple({ conditional: false })
      branches.push({ test, body: this.#body('elif', 'else', 'endif'), line })
      const token = this.stream.next()
      if (token.text === 'endif') return { kind: 'if', branches, otherwise: [] }
      if (token.text === 'else') return { kind: 'if', branches, otherwise: this.#bodyTo('endif') }
      line = token.line
    }
  }

  #for(line: number): Statement {
    const { stream } = this
    const target = this.#target()
    if (!stream.skipName('in')) stream.fail(`'in' is expected, got ${describe(stream.current)}`)
    const iterable = this.#expressions.tuple({ conditional: false })
    const test = stream.skipName('if') ? this.#expressions.expression() : undefined
    const recursive = stream.skipName('recursive')
    this.#loops++
    const body = this.#body('else', 'endfor')
    this.#loops--
    const otherwise = stream.next().text === 'else' ? this.#bodyTo('endfor') : []
    return { kind: 'for', target, iterable, test, recursive, body, otherwise, line }
  }

  #set(line: number): Statement {
    const target = this.#target(true)
    if (this.stream.skip('=')) return { kind: 'set', target, value: this.#expressions.tuple(), line }
    const filter = this.#expressions.filter(undefined)
    return { kind: 'set_block', target, filter, body: this.#bodyTo('endset'), line }
  }

  #macro(line: number): Statement {
    const name = this.#name()
    const params = this.#params()
    return { kind: 'macro', name, params, body: this.#inMacro(() => this.#bodyTo('endmacro')), line }
  }

  #callBlock(line: number): Statement {
    const params = this.stream.is('(') ? this.#params() : []
    const call = this.#expressions.expression()
    if (call.kind !== 'call') throw new TemplateSyntaxError('{% call %} needs a call', line)
    return { kind: 'call_block', params, call, body: this.#inMacro(() => this.#bodyTo('endcall')), line }
  }

  #filterBlock(line: number): Statement {
    const filter = this.#expressions.filter(undefined, true)
    if (filter === undefined) throw new TemplateSyntaxError('{% filter %} needs a filter', line)
    return { kind: 'filter_block', filter, body: this.#bodyTo('endfilter'), line }
  }

  #with(line: number): Statement {
    const assigns: { target: Target; value: Expression }[] = []
    while (this.stream.current.type !== 'block_end' && !this.stream.is(':')) {
      if (assigns.length > 0) this.stream.expect(',')
      const target = this.#target()
      this.stream.expect('=')
      assigns.push({ target, value: this.#expressions.expression() })
    }
    return { kind: 'with', assigns, body: this.#bodyTo('endwith'), line }
  }

  #block(line: number): Statement {
    const { stream } = this
    const name = stream.expectName()
    if (this.#blocks.has(name)) throw new TemplateSyntaxError(`block '${name}' is defined twice`, line)
    this.#blocks.add(name)
    const scoped = stream.skipName('scoped')
    if (scoped || stream.isName('required')) stream.fail('{% block %} takes a name only, in chat templates')
    const body = this.#inMacro(() => this.#bodyTo('endblock'))
    stream.skipName(name)
    return { kind: 'block', name, body }
  }

  #print(): Statement[] {
    const { stream } = this
    const outputs: Statement[] = []
    while (stream.current.type !== 'block_end') {
      if (outputs.length > 0) stream.expect(',')
      const { line } = stream.current
      outputs.push({ kind: 'output', node: this.#expressions.expression(), line })
    }
    return outputs
  }

  /** A body that runs as a function of its own: no loop around it can be left from inside. */
  #inMacro<T>(parse: () => T): T {
    const loops = this.#loops
    this.#loops = 0
    const result = parse()
    this.#loops = loops
    return result
  }

  #params(): Parameter[] {
    const { stream } = this
    const params: Parameter[] = []
    stream.expect('(')
    while (!stream.is(')')) {
      if (params.length > 0) stream.expect(',')
      const name = this.#name()
      if (params.some((param) => param.name === name)) stream.fail(`two parameters have the name '${name}'`)
      const fallback = stream.skip('=') ? this.#expressions.expression() : undefined
      if (fallback === undefined && params.at(-1)?.fallback !== undefined) {
        stream.fail('a parameter without a default follows one with a default')
      }
      params.push({ kind: 'param', name, fallback })
    }
    stream.expect(')')
    return params
  }

  #name(): string {
    const { line } = this.stream.current
    const name = this.stream.expectName()
    if (RESERVED.includes(name)) throw new TemplateSyntaxError(`'${name}' cannot be assigned to`, line)
    return name
  }

  #target(fields = false): Target {
    const { stream } = this
    const items: Target[] = []
    let isTuple = false
    for (;;) {
      if (stream.endsTuple()) break
      items.push(this.#oneTarget(fields))
      if (!stream.skip(',')) break
      isTuple = true
    }
    const [first] = items
    if (first === undefined) return stream.fail(`a name is expected, got ${describe(stream.current)}`)
    return isTuple ? { kind: 'targets', items } : first
  }

  #oneTarget(fields: boolean): Target {
    const { stream } = this
    if (stream.skip('(')) {
      const target = this.#expressions.nested(() => this.#target())
      stream.expect(')')
      return target
    }
    const { line } = stream.current
    const name = this.#name()
    return fields && stream.skip('.')
      ? { kind: 'field', name, field: stream.expectName() }
      : { kind: 'target', name, line }
  }
}

const RESERVED = ['true', 'false', 'none', 'True', 'False', 'None']
