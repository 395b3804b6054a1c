/** Expressions as the automaton walks them: with numbers, their lexers, and rules that are expanded at most once. */
import { ConstraintError } from '../errors.ts'
import type { Budget } from './budget.ts'
import type { Expression, Rule } from './expression.ts'
import type { Terminal } from './lexer.ts'
import type { Lexers } from './lexers.ts'

interface NodeBase {
  readonly id: number
  /** Whether some text ends it; undefined while nobody knows. */
  productive: boolean | undefined
}

export interface LexerNode extends NodeBase {
  readonly kind: 'lexer'
  readonly terminal: Terminal
}

/** Items one after another, or any one of them. */
export interface ItemsNode extends NodeBase {
  readonly kind: 'sequence' | 'either'
  readonly items: readonly Node[]
}

export interface RepeatNode extends NodeBase {
  readonly kind: 'repeat'
  readonly item: Node
  readonly min: number
  readonly max: number
}

export interface RuleNode extends NodeBase {
  readonly kind: 'rule'
  readonly rule: Rule
  body: Node | undefined
}

export type Node = LexerNode | ItemsNode | RepeatNode | RuleNode

/** Nesting of one expression, rules not counted. */
const MOST_DEPTH = 500
/** Larger bounds are as good as this one: no answer comes so far. */
const MOST_COUNT = 2 ** 30
/** Nodes of one constraint. */
const MOST_NODES = 500_000

export class Nodes {
  readonly #known = new Map<Expression, Node>()
  #count = 0

  constructor(
    private readonly lexers: Lexers,
    private readonly budget: Budget,
  ) {}

  of(expression: Expression, depth = 0): Node {
    const known = this.#known.get(expression)
    if (known !== undefined) return known
    if (depth > MOST_DEPTH) throw new ConstraintError('depth', `an expression is nested more than ${MOST_DEPTH} deep`)
    if (this.#count > MOST_NODES)
      throw new ConstraintError('states', `the constraint has more than ${MOST_NODES} parts`)
    this.budget.spend(8)
    const node = this.#make(expression, depth + 1)
    this.#known.set(expression, node)
    return node
  }

  body(node: RuleNode): Node {
    if (node.body === undefined) {
      this.budget.spend(20)
      node.body = this.of(node.rule.expand())
    }
    return node.body
  }

  #make(expression: Expression, depth: number): Node {
    const base = { id: this.#count++, productive: undefined }
    switch (expression.kind) {
      case 'utf8':
      case 'json-string':
        return { ...base, kind: 'lexer', terminal: this.lexers.of(expression.kind, expression.text) }
      case 'any-bytes':
        return { ...base, kind: 'lexer', terminal: this.lexers.anyBytes }
      case 'bytes':
        return { ...base, kind: 'lexer', terminal: this.lexers.literals([expression.bytes]) }
      case 'sequence':
        return { ...base, kind: 'sequence', items: expression.items.map((item) => this.of(item, depth)) }
      case 'either':
        return { ...base, kind: 'either', items: this.#options(expression.options, depth) }
      case 'repeat': {
        const min = Math.min(expression.min, MOST_COUNT)
        const max = expression.max > MOST_COUNT ? Infinity : expression.max
        return { ...base, kind: 'repeat', item: this.of(expression.item, depth), min, max }
      }
      case 'rule':
        return {
          ...base,
          productive: expression.ends ? true : undefined,
          kind: 'rule',
          rule: expression,
          body: undefined,
        }
    }
  }

  /** Fixed options become one lexer, so that a hundred thousand of them are no more work than one. */
  #options(options: readonly Expression[], depth: number): Node[] {
    const literals: Uint8Array[] = []
    const others: Expression[] = []
    for (const option of options) {
      if (option.kind === 'bytes') literals.push(option.bytes)
      else others.push(option)
    }
    const nodes = others.map((option) => this.of(option, depth))
    if (literals.length === 0) return nodes
    const terminal = this.lexers.literals(literals)
    return [{ id: this.#count++, productive: undefined, kind: 'lexer', terminal }, ...nodes]
  }
}

const MOST_STEPS = 20_000

/**
 * Whether any text ends a node. A rule that can only go on and on is as good as none; where nobody can tell within bounds,
 * it counts as one that ends.
 */
export class Productivity {
  #left = 0
  readonly #open = new Set<RuleNode>()

  constructor(
    private readonly nodes: Nodes,
    private readonly budget: Budget,
  ) {}

  of(node: Node): boolean {
    if (node.productive !== undefined) return node.productive
    this.#left = MOST_STEPS
    this.#open.clear()
    node.productive = this.#ends(node, 0) || this.#left <= 0
    this.budget.spend((MOST_STEPS - this.#left) / 10)
    return node.productive
  }

  #ends(node: Node, depth: number): boolean {
    if (--this.#left <= 0 || depth > 1000) {
      this.#left = 0
      return true
    }
    switch (node.kind) {
      case 'lexer':
        return node.terminal.start !== null
      case 'sequence':
        return node.items.every((item) => this.#ends(item, depth + 1))
      case 'either':
        return node.items.some((item) => this.#ends(item, depth + 1))
      case 'repeat':
        return node.min === 0 || this.#ends(node.item, depth + 1)
      case 'rule':
        return this.#ruleEnds(node, depth)
    }
  }

  #ruleEnds(node: RuleNode, depth: number): boolean {
    if (node.productive !== undefined) return node.productive
    // A derivation of least depth does not come back to a rule that it is in.
    if (this.#open.has(node)) return false
    this.#open.add(node)
    const ends = this.#ends(this.nodes.body(node), depth + 1)
    this.#open.delete(node)
    // That it does not end may be due to the rules that it was reached through; that it does end is certain.
    if (ends && this.#left > 0) node.productive = true
    return ends
  }
}
