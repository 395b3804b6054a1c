/** GBNF grammars, as llama.cpp documents them, as constraints. */
import { type Expression, either, literal, repeat, rule, sequence, type Text, utf8 } from './expression.ts'
import { checkGrammar } from './gbnf/check.ts'
import { parseGrammar } from './gbnf/parse.ts'
import { type Grammar, GrammarError, type Syntax } from './gbnf/syntax.ts'

export { GrammarError } from './gbnf/syntax.ts'

const MOST_LENGTH = 2 ** 18
/** Rules that do not refer to themselves are written into the rules that use them, up to this size. */
const MOST_INLINE = 2000
const MOST_DEPTH = 100

/** @throws GrammarError with line and column of what does not parse, is not defined, or begins with itself */
export function compileGrammar(source: string): Expression {
  if (source.length > MOST_LENGTH) {
    throw new GrammarError(source.slice(0, 1), 0, `has more than ${MOST_LENGTH} characters`, 'length')
  }
  try {
    const grammar = parseGrammar(source)
    checkGrammar(grammar)
    return new Converter(grammar).rule('root')
  } catch (error) {
    // The stack ends where groups, repetitions and rules nest deeper than in any grammar that is of use.
    if (error instanceof RangeError) throw new GrammarError(source, 0, 'is nested too deep', 'depth')
    throw error
  }
}

/** A regular part of a grammar, which one lexer reads. */
interface Regular {
  readonly text: Text
  /** Its characters, where it is fixed. */
  readonly fixed: string | undefined
  readonly size: number
}

class Converter {
  private readonly rules = new Map<string, Expression>()
  private readonly regulars = new Map<string, Regular | undefined>()
  private readonly open = new Set<string>()

  constructor(private readonly grammar: Grammar) {}

  rule(name: string): Expression {
    let expression = this.rules.get(name)
    if (expression === undefined) {
      const regular = this.regularRule(name)
      const { body } = this.grammar.rules.get(name)!
      expression = regular === undefined ? rule(name, () => this.expression(body)) : terminal(regular)
      this.rules.set(name, expression)
    }
    return expression
  }

  private expression(syntax: Syntax): Expression {
    const regular = this.regular(syntax)
    if (regular !== undefined) return terminal(regular)
    switch (syntax.kind) {
      case 'reference':
        return this.rule(syntax.name)
      case 'repeat':
        return repeat(this.expression(syntax.item), syntax.min, syntax.max)
      case 'sequence':
        return sequence(...this.joined(syntax.items, joinSequence))
      case 'either':
        return either(...this.joined([...syntax.items], joinEither, true))
      default:
        throw new Error(`${syntax.kind} is regular`)
    }
  }

  /** Regular items become one: neighbours, or with `anywhere` all of them. */
  private joined(items: readonly Syntax[], join: (items: Regular[]) => Regular, anywhere = false): Expression[] {
    const out: Expression[] = []
    let run: Regular[] = []
    const end = () => {
      if (run.length > 0) out.push(terminal(run.length === 1 ? run[0]! : join(run)))
      run = []
    }
    for (const item of items) {
      const regular = this.regular(item)
      if (regular !== undefined && run.reduce((sum, { size }) => sum + size, regular.size) <= MOST_INLINE) {
        run.push(regular)
        continue
      }
      if (!anywhere || regular !== undefined) end()
      out.push(this.expression(item))
    }
    end()
    return out
  }

  private regularRule(name: string): Regular | undefined {
    if (this.regulars.has(name)) return this.regulars.get(name)
    // What comes back to a rule is not regular, as far as this looks.
    if (this.open.has(name) || this.open.size >= MOST_DEPTH) return undefined
    this.open.add(name)
    const regular = this.regular(this.grammar.rules.get(name)!.body)
    this.open.delete(name)
    this.regulars.set(name, regular)
    return regular
  }

  private regular(syntax: Syntax): Regular | undefined {
    switch (syntax.kind) {
      case 'literal':
        return new FixedText(syntax.text)
      case 'chars':
        return { text: syntax, fixed: undefined, size: 1 + syntax.ranges.length / 8 }
      case 'reference':
        return this.regularRule(syntax.name)
      case 'repeat': {
        const item = this.regular(syntax.item)
        return item && { text: { ...syntax, item: item.text }, fixed: undefined, size: item.size + 1 }
      }
      default: {
        const items: Regular[] = []
        let size = 0
        for (const item of syntax.items) {
          const regular = this.regular(item)
          if (regular === undefined) return undefined
          size += regular.size
          if (size > MOST_INLINE) return undefined
          items.push(regular)
        }
        return (syntax.kind === 'sequence' ? joinSequence : joinEither)(items)
      }
    }
  }
}

/** Most of them become literals, of which only the characters are wanted: the text is made where it is. */
class FixedText implements Regular {
  readonly size: number

  constructor(readonly fixed: string) {
    this.size = lengthOf(fixed)
  }

  get text(): Text {
    const items = Array.from(this.fixed, (char): Text => {
      const point = char.codePointAt(0)!
      return { kind: 'chars', ranges: [[point, point]] }
    })
    return { kind: 'sequence', items }
  }
}

/** Characters, of which some are two units of the string. */
function lengthOf(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function joinSequence(items: readonly Regular[]): Regular {
  const size = items.reduce((sum, item) => sum + item.size, 0)
  if (items.every(({ fixed }) => fixed !== undefined)) return new FixedText(items.map(({ fixed }) => fixed).join(''))
  return { text: { kind: 'sequence', items: items.map(({ text }) => text) }, fixed: undefined, size }
}

function joinEither(items: readonly Regular[]): Regular {
  const size = items.reduce((sum, item) => sum + item.size, 0)
  return { text: { kind: 'either', options: items.map(({ text }) => text) }, fixed: undefined, size }
}

function terminal(regular: Regular): Expression {
  return regular.fixed === undefined ? utf8(regular.text) : literal(regular.fixed)
}
