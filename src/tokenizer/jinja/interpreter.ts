/**
 * Runs a template.
 *
 * `set` inside of a loop, a macro or another block with an end is gone after it, and does not last from one turn of a loop
 * to the next; `if` is no such block. Only the fields of a `namespace` can be set from inside.
 */
import type { MacroBody, Statement, Target } from './ast.ts'
import { PythonError, typeError, valueError } from './errors.ts'
import { Evaluator } from './evaluator.ts'
import { Loop } from './loop.ts'
import { str } from './printing.ts'
import { Output, Scope } from './scope.ts'
import {
  Callable,
  Dict,
  given,
  Iteration,
  isIterable,
  iterate,
  type Kwargs,
  Namespace,
  truth,
  tupleOf,
  typeName,
  Undefined,
  type Value,
} from './values.ts'
import { specialReads } from './walk.ts'

/** How a list of statements ended. */
type End = 'done' | 'break' | 'continue'
type For = Extract<Statement, { kind: 'for' }>

export class Interpreter extends Evaluator {
  readonly #root: Scope

  constructor(variables: ReadonlyMap<string, Value>) {
    super()
    this.#root = new Scope()
    for (const [name, value] of variables) this.#root.set(name, value)
  }

  run(body: readonly Statement[]): string {
    const out = new Output()
    this.#all(body, this.#root, out)
    return out.text
  }

  #all(body: readonly Statement[], scope: Scope, out: Output): End {
    for (const statement of body) {
      const end = this.#one(statement, scope, out)
      if (end !== 'done') return end
    }
    return 'done'
  }

  /** The text that a body gives, with names of its own. */
  #captured(body: readonly Statement[], scope: Scope): [text: string, end: End] {
    const out = new Output()
    const end = this.#all(body, scope, out)
    return [out.text, end]
  }

  #one(node: Statement, scope: Scope, out: Output): End {
    this.budget.spend(1)
    if ('line' in node) this.line = node.line
    switch (node.kind) {
      case 'text':
        out.write(node.text)
        return 'done'
      case 'output':
        out.write(str(this.evaluate(node.node, scope)))
        return 'done'
      case 'if':
        return this.#if(node, scope, out)
      case 'for':
        return this.#for(node, scope, out)
      case 'set':
        this.#assign(node.target, this.evaluate(node.value, scope), scope)
        return 'done'
      case 'set_block':
      case 'filter_block':
        return this.#block(node, scope, out)
      case 'macro':
        scope.set(node.name, this.#macro(node, node.name, scope))
        return 'done'
      case 'call_block': {
        const caller = this.#macro(node, 'caller', scope)
        out.write(str(this.callNode(node.call, scope, new Map([['caller', caller]]))))
        return 'done'
      }
      case 'with': {
        const inner = new Scope(scope)
        for (const { target, value } of node.assigns) this.#assign(target, this.evaluate(value, scope), inner)
        return this.#all(node.body, inner, out)
      }
      case 'block':
        return this.#all(node.body, new Scope(this.#root), out)
      case 'generation':
        return this.#all(node.body, new Scope(scope), out)
      default:
        return node.kind
    }
  }

  #if({ branches, otherwise }: Extract<Statement, { kind: 'if' }>, scope: Scope, out: Output): End {
    for (const { test, body, line } of branches) {
      this.line = line
      if (truth(this.evaluate(test, scope))) return this.#all(body, scope, out)
    }
    return this.#all(otherwise, scope, out)
  }

  /** A block whose text is assigned or filtered. A `break` inside drops the text. */
  #block(node: Extract<Statement, { kind: 'set_block' | 'filter_block' }>, scope: Scope, out: Output): End {
    const inner = new Scope(scope)
    const [text, end] = this.#captured(node.body, inner)
    if (end !== 'done') return end
    const value = node.filter === undefined ? text : this.evaluate(node.filter, inner, text)
    if (node.kind === 'set_block') this.#assign(node.target, value, scope)
    else out.write(str(value))
    return 'done'
  }

  #for(node: For, scope: Scope, out: Output): End {
    const items = this.evaluate(node.iterable, scope)
    if (node.recursive) out.write(this.#recursive(node, items, scope, 0))
    else return this.#loop(node, new Loop(this.#tested(node, items, scope), 0, undefined), scope, out)
    return 'done'
  }

  #recursive(node: For, items: Value, scope: Scope, depth: number): string {
    return this.budget.nested(() => {
      const out = new Output()
      const recurse = (inner: Value, level: number) => this.#recursive(node, inner, scope, level)
      this.#loop(node, new Loop(this.#tested(node, items, scope), depth, recurse), scope, out)
      return out.text
    })
  }

  #loop(node: For, loop: Loop, scope: Scope, out: Output): End {
    // jinja2 runs `else` where no turn reached its end, which a turn that is left early does not.
    let isEmpty = true
    for (let item = loop.next(); item !== undefined; item = loop.next()) {
      this.budget.spend(1)
      const inner = new Scope(scope)
      inner.set('loop', loop)
      this.#assign(node.target, item, inner)
      const end = this.#all(node.body, inner, out)
      if (end === 'done') isEmpty = false
      else if (end === 'break') break
    }
    return isEmpty ? this.#all(node.otherwise, new Scope(scope), out) : 'done'
  }

  /** The items that pass the loop's own `if`, found while the loop runs. */
  #tested({ target, test }: For, items: Value, scope: Scope): Value {
    if (test === undefined) return items
    const passing = function* (this: Interpreter): Generator<Value> {
      for (const item of iterate(items)) {
        const inner = new Scope(scope)
        this.#assign(target, item, inner)
        if (truth(this.evaluate(test, inner))) yield item
      }
    }
    return new Iteration(passing.call(this))
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === 'target') scope.set(target.name, value)
    else if (target.kind === 'field') {
      const namespace = scope.get(target.name)
      if (!(namespace instanceof Namespace)) {
        throw new PythonError('TemplateRuntimeError', 'cannot assign attribute on non-namespace object')
      }
      namespace.fields.set(target.field, value)
    } else {
      if (!isIterable(value)) throw typeError(`cannot unpack non-iterable ${typeName(value)} object`)
      const items = [...iterate(value)]
      const expected = target.items.length
      if (items.length !== expected) {
        const many = items.length > expected ? 'too many' : 'not enough'
        throw valueError(`${many} values to unpack (expected ${expected}, got ${items.length})`)
      }
      for (const [i, item] of items.entries()) this.#assign(target.items[i] as Target, item, scope)
    }
  }

  #macro(node: MacroBody, name: string, scope: Scope): Callable {
    const reads = specialReads(node)
    const names = node.params.map((param) => param.name)
    const attributes = new Map<string, Value>([
      ['name', name],
      ['arguments', tupleOf(names)],
      ['catch_kwargs', reads.has('kwargs')],
      ['catch_varargs', reads.has('varargs')],
      ['caller', reads.has('caller')],
    ])
    const call = (args: readonly Value[], kwargs: Kwargs) =>
      this.budget.nested(() => {
        const inner = new Scope(scope)
        this.#bind(node, name, args, kwargs, inner)
        return this.#captured(node.body, inner)[0]
      })
    return new Callable(name, call, attributes)
  }

  /** Gives a macro its arguments, and those that it has no parameter for in `caller`, `kwargs` and `varargs`. */
  #bind(node: MacroBody, name: string, args: readonly Value[], kwargs: Kwargs, scope: Scope): void {
    const { params } = node
    const reads = specialReads(node)
    const rest = new Map(kwargs)
    const missing = params.filter((param, i) => {
      const value = args[i] === undefined ? rest.get(param.name) : args[i]
      if (args[i] === undefined) rest.delete(param.name)
      scope.set(param.name, given(value, new Undefined(`parameter '${param.name}' was not provided`)))
      return value === undefined
    })
    for (const { name: param, fallback } of missing) {
      if (fallback !== undefined) scope.set(param, this.evaluate(fallback, scope))
    }
    const named = (special: string) => params.some((param) => param.name === special)
    if (reads.has('caller') && !named('caller')) {
      scope.set('caller', rest.get('caller') ?? new Undefined('No caller defined'))
      rest.delete('caller')
    }
    if (reads.has('kwargs') && !named('kwargs')) scope.set('kwargs', Dict.from(rest))
    else if (rest.size > 0) throw typeError(`macro '${name}' takes no keyword argument '${[...rest.keys()][0]}'`)
    if (reads.has('varargs') && !named('varargs')) scope.set('varargs', tupleOf(args.slice(params.length)))
    else if (args.length > params.length) {
      throw typeError(`macro '${name}' takes not more than ${params.length} argument(s)`)
    }
  }
}
