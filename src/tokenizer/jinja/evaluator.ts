/** Computes expressions. */
import type { Arguments, Expression, Filter, Slice } from './ast.ts'
import { getAttribute, getItem } from './attributes.ts'
import { callBuiltin } from './callables.ts'
import { PythonError, typeError } from './errors.ts'
import type { Engine } from './filter-types.ts'
import { FILTERS } from './filters.ts'
import { signed } from './numbers.ts'
import { binary, checkedText, compare, slice } from './operators.ts'
import { str } from './printing.ts'
import { Budget, type Scope } from './scope.ts'
import { TESTS } from './tests.ts'
import {
  Callable,
  Dict,
  isNumber,
  iterate,
  type Kwargs,
  PythonObject,
  truth,
  tupleOf,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

const NO_KWARGS: Kwargs = new Map()

export class Evaluator implements Engine {
  protected readonly budget = new Budget()
  /** Where the template is, for messages. */
  line = 1

  /** @param block the text of the block that a filter without an operand applies to */
  evaluate(node: Expression, scope: Scope, block?: string): Value {
    this.budget.spend(1)
    switch (node.kind) {
      case 'const':
        return node.value
      case 'name': {
        const value = scope.get(node.name)
        return value === undefined ? new Undefined(`'${node.name}' is undefined`) : value
      }
      case 'attribute':
        return getAttribute(this.evaluate(node.node, scope), node.name)
      case 'item':
        return this.#item(this.evaluate(node.node, scope), node.index, scope)
      case 'call':
        return this.#charged(this.callNode(node, scope))
      case 'filter':
        return this.#charged(this.#filter(node, scope, block))
      case 'test': {
        const value = this.evaluate(node.node, scope)
        const [args, kwargs] = this.#arguments(node.call, scope)
        this.line = node.line
        return this.test(node.name, value, args, kwargs)
      }
      case 'compare':
        return this.#compare(node, scope)
      case 'and':
      case 'or': {
        const left = this.evaluate(node.left, scope)
        return truth(left) === (node.kind === 'or') ? left : this.evaluate(node.right, scope)
      }
      case 'not':
        return !truth(this.evaluate(node.node, scope))
      case 'conditional':
        if (truth(this.evaluate(node.test, scope))) return this.evaluate(node.value, scope)
        if (node.otherwise !== undefined) return this.evaluate(node.otherwise, scope)
        return new Undefined('the inline if-expression evaluated to false and no else section was defined.')
      case 'binary':
        return this.#charged(this.#binary(node, scope))
      case 'concat':
        return this.#charged(checkedText(node.items.map((item) => str(this.evaluate(item, scope))).join('')))
      case 'negative':
      case 'positive':
        return signed(node.kind === 'negative' ? '-' : '+', this.evaluate(node.node, scope))
      case 'list':
        return node.items.map((item) => this.evaluate(item, scope))
      case 'tuple':
        return tupleOf(node.items.map((item) => this.evaluate(item, scope)))
      case 'dict':
        return Dict.from(node.items.map(({ key, value }) => [this.evaluate(key, scope), this.evaluate(value, scope)]))
    }
  }

  /** The value of a call. @param extra arguments with names beside those of the call itself */
  callNode(node: Extract<Expression, { kind: 'call' }>, scope: Scope, extra: Kwargs = NO_KWARGS): Value {
    const callee = this.evaluate(node.node, scope)
    const [args, kwargs] = this.#arguments(node.call, scope)
    this.line = node.line
    return this.call(callee, args, extra.size === 0 ? kwargs : new Map([...kwargs, ...extra]))
  }

  call(callee: Value, args: readonly Value[], kwargs: Kwargs): Value {
    if (callee instanceof Callable) return callee.call(args, kwargs)
    if (callee instanceof Undefined) callee.fail()
    const result = callee instanceof PythonObject ? callee.call?.(args, kwargs) : undefined
    if (result === undefined) throw typeError(`'${typeName(callee)}' object is not callable`)
    return result
  }

  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value {
    const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined
    if (filter === undefined) throw new PythonError('TemplateRuntimeError', `No filter named '${name}' found.`)
    return callBuiltin(name, filter, { value, engine: this }, args, kwargs)
  }

  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean {
    const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined
    if (test === undefined) throw new PythonError('TemplateRuntimeError', `No test named '${name}' found.`)
    return truth(callBuiltin(name, test, value, args, kwargs))
  }

  #filter(node: Filter, scope: Scope, block: string | undefined): Value {
    const value = node.node === undefined ? (block ?? '') : this.evaluate(node.node, scope, block)
    const [args, kwargs] = this.#arguments(node.call, scope)
    this.line = node.line
    return this.filter(node.name, value, args, kwargs)
  }

  #item(object: Value, key: Expression | Slice, scope: Scope): Value {
    if (key.kind !== 'slice') return getItem(object, this.evaluate(key, scope))
    const part = (node: Expression | undefined) => (node === undefined ? null : this.evaluate(node, scope))
    return this.#charged(slice(object, part(key.start), part(key.stop), part(key.step)))
  }

  /** `a < b < c` compares each neighbour, and looks no further than to the first that does not hold. */
  #compare({ first, rest }: Extract<Expression, { kind: 'compare' }>, scope: Scope): boolean {
    let left = this.evaluate(first, scope)
    for (const { op, value } of rest) {
      const right = this.evaluate(value, scope)
      if (op === 'in' || op === 'not in') this.#charge(right)
      if (!compare(op, left, right)) return false
      left = right
    }
    return true
  }

  #binary({ op, left, right }: Extract<Expression, { kind: 'binary' }>, scope: Scope): Value {
    const [a, b] = [this.evaluate(left, scope), this.evaluate(right, scope)]
    if (op !== '**' || !isNumber(a) || !isConstant(left) || isConstant(right)) return binary(op, a, b)
    // jinja2 computes the constant first and writes it into Python code without brackets: there `-2 ** n` is `-(2 ** n)`.
    const negative = Number(a) < 0 || Object.is(a.valueOf(), -0)
    return negative ? signed('-', binary(op, signed('-', a), b)) : binary(op, a, b)
  }

  #arguments(call: Arguments, scope: Scope): [Value[], Kwargs] {
    const args = call.args.map((arg) => this.evaluate(arg, scope))
    if (call.rest !== undefined) args.push(...iterate(this.evaluate(call.rest, scope)))
    if (call.kwargs.length === 0 && call.keywords === undefined) return [args, NO_KWARGS]
    const kwargs = new Map<string, Value>()
    for (const { name, value } of call.kwargs) kwargs.set(name, this.evaluate(value, scope))
    if (call.keywords !== undefined) {
      const more = this.evaluate(call.keywords, scope)
      if (!(more instanceof Dict)) throw typeError(`argument after ** must be a mapping, not ${typeName(more)}`)
      for (const [name, value] of more) {
        if (typeof name !== 'string') throw typeError('keywords must be strings')
        if (kwargs.has(name)) throw typeError(`got multiple values for keyword argument '${name}'`)
        kwargs.set(name, value)
      }
    }
    return [args, kwargs]
  }

  /** Long values cost more steps, so that a loop over an ever longer text ends in time. */
  #charged(value: Value): Value {
    this.#charge(value)
    return value
  }

  #charge(value: Value): void {
    if (typeof value === 'string') this.budget.spend(value.length >> 6)
    else if (Array.isArray(value)) this.budget.spend(value.length >> 2)
  }
}

/** Computes what jinja2 computes beforehand. */
function isConstant(node: Expression): boolean {
  if (node.kind === 'negative' || node.kind === 'positive') return isConstant(node.node)
  return node.kind === 'const' || (node.kind === 'binary' && isConstant(node.left) && isConstant(node.right))
}
