/** Walks through the tree of a template: what names a body reads, and what must be refused before a template runs. */
import type { MacroBody, Statement } from './ast.ts'
import { TemplateSyntaxError } from './errors.ts'
import { FILTERS, UNSUPPORTED_FILTERS } from './filters.ts'
import { UNSUPPORTED_GLOBALS } from './globals.ts'
import { TESTS } from './tests.ts'

interface AnyNode {
  readonly kind?: string
  readonly name?: string
  readonly line?: number
}

function children(node: object): AnyNode[] {
  return Object.values(node).filter((child): child is AnyNode => typeof child === 'object' && child !== null)
}

const reads = new WeakMap<MacroBody, ReadonlySet<string>>()

/** Which of `caller`, `kwargs` and `varargs` a macro reads before it sets them: it takes these arguments alone. */
export function specialReads(macro: MacroBody): ReadonlySet<string> {
  const known = reads.get(macro)
  if (known !== undefined) return known
  const open = new Set(['caller', 'kwargs', 'varargs'])
  const found = new Set<string>()
  const visit = (node: AnyNode): void => {
    if (node.kind === 'block') return
    if (node.kind === 'name' && open.has(node.name as string)) found.add(node.name as string)
    else if (node.kind === 'target' || node.kind === 'param') open.delete(node.name as string)
    children(node).forEach(visit)
  }
  macro.body.forEach(visit)
  reads.set(macro, found)
  return found
}

/**
 * Refuses filters, tests and functions that do not exist or are not supported. As in jinja2 an unknown one inside of an
 * `if` is no fault yet: the template may ask first whether there is such a filter.
 * @throws TemplateSyntaxError
 */
export function check(body: readonly Statement[]): void {
  for (const node of body) checkNode(node as AnyNode, false, false)
}

/** @param soft inside of a condition; @param inLoop inside of a loop, whose special variable cannot be set */
function checkNode(node: AnyNode, soft: boolean, inLoop: boolean): void {
  const { kind, name = '', line = 1 } = node
  if (kind === 'filter' || kind === 'test') checkName(kind, name, line, soft)
  if (kind === 'name' && UNSUPPORTED_GLOBALS.includes(name)) {
    throw new TemplateSyntaxError(`${name} is not supported in chat templates`, line)
  }
  if (kind === 'target' && inLoop && name === 'loop') {
    throw new TemplateSyntaxError("Can't assign to special loop variable in for-loop target", line)
  }
  if ('params' in node && 'body' in node) checkCaller(node as unknown as MacroBody, line)
  if (kind === 'if' || kind === 'conditional') soft = true
  for (const [field, child] of Object.entries(node)) {
    if (typeof child !== 'object' || child === null) continue
    // A body of its own is compiled by itself, even inside of a condition.
    const own = field === 'body' && kind !== undefined && kind !== 'if'
    checkNode(child as AnyNode, soft && !own, inLoop || kind === 'for')
  }
}

function checkCaller(macro: MacroBody, line: number): void {
  const param = macro.params.find(({ name }) => name === 'caller')
  if (param !== undefined && param.fallback === undefined && specialReads(macro).has('caller')) {
    throw new TemplateSyntaxError("the parameter 'caller' must be left out, or have a default", line)
  }
}

function checkName(kind: 'filter' | 'test', name: string, line: number, soft: boolean): void {
  const known = kind === 'filter' ? FILTERS : TESTS
  if (Object.hasOwn(known, name)) return
  if (kind === 'filter' && UNSUPPORTED_FILTERS.includes(name)) {
    throw new TemplateSyntaxError(`the filter '${name}' is not supported in chat templates`, line)
  }
  if (!soft) throw new TemplateSyntaxError(`there is no ${kind} named '${name}'`, line)
}
