/** What a grammar must keep besides its syntax: its rules are there, and none begins with itself. */
import { type Grammar, GrammarError, type Syntax } from './syntax.ts'

/** @throws GrammarError at the reference, or the rule, that is at fault */
export function checkGrammar(grammar: Grammar): void {
  const { source, rules } = grammar
  if (!rules.has('root')) throw new GrammarError(source, source.length, 'the grammar has no rule named root')
  for (const { body } of rules.values()) {
    for (const { name, at } of references(body)) {
      if (!rules.has(name)) throw new GrammarError(source, at, `the rule ${name} is not defined`)
    }
  }
  const nullable = nullableRules(grammar)
  const done = new Set<string>()
  for (const name of rules.keys()) checkBeginnings(grammar, nullable, name, done)
}

type Reference = Extract<Syntax, { kind: 'reference' }>

function references(syntax: Syntax): Reference[] {
  const found: Reference[] = []
  const open = [syntax]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === 'reference') found.push(next)
    else if (next.kind === 'repeat') open.push(next.item)
    else if (next.kind === 'sequence' || next.kind === 'either') open.push(...next.items)
  }
  return found
}

/** The rules that may match nothing: each that is found leads to those that refer to it, which are looked at again. */
function nullableRules({ rules }: Grammar): ReadonlySet<string> {
  const users = new Map<string, string[]>()
  for (const [user, { body }] of rules) {
    for (const { name } of references(body)) {
      const known = users.get(name)
      if (known === undefined) users.set(name, [user])
      else if (known.at(-1) !== user) known.push(user)
    }
  }
  const nullable = new Set<string>()
  const open = [...rules.keys()]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (nullable.has(name) || !isNullable(rules.get(name)!.body, nullable)) continue
    nullable.add(name)
    open.push(...(users.get(name) ?? []))
  }
  return nullable
}

function isNullable(syntax: Syntax, nullable: ReadonlySet<string>): boolean {
  switch (syntax.kind) {
    case 'literal':
      return syntax.text === ''
    case 'chars':
      return false
    case 'reference':
      return nullable.has(syntax.name)
    case 'repeat':
      return syntax.min === 0 || isNullable(syntax.item, nullable)
    case 'sequence':
      return syntax.items.every((item) => isNullable(item, nullable))
    case 'either':
      return syntax.items.some((item) => isNullable(item, nullable))
  }
}

/** Follows what rules begin with, depth first, without recursion: grammars may have many rules. */
function checkBeginnings(
  { source, rules }: Grammar,
  nullable: ReadonlySet<string>,
  root: string,
  done: Set<string>,
): void {
  const path = new Set<string>()
  const open = [{ name: root, leave: false }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { name, leave } = next
    if (leave) {
      path.delete(name)
      done.add(name)
      continue
    }
    if (path.has(name)) {
      throw new GrammarError(source, rules.get(name)!.at, `the rule ${name} begins with itself`, 'left recursion')
    }
    if (done.has(name)) continue
    path.add(name)
    open.push({ name, leave: true })
    for (const first of beginnings(rules.get(name)!.body, nullable)) open.push({ name: first, leave: false })
  }
}

/** Rules that a text can begin with. */
function beginnings(syntax: Syntax, nullable: ReadonlySet<string>): string[] {
  switch (syntax.kind) {
    case 'reference':
      return [syntax.name]
    case 'repeat':
      return beginnings(syntax.item, nullable)
    case 'either':
      return syntax.items.flatMap((item) => beginnings(item, nullable))
    case 'sequence': {
      const end = syntax.items.findIndex((item) => !isNullable(item, nullable))
      return syntax.items.slice(0, end < 0 ? undefined : end + 1).flatMap((item) => beginnings(item, nullable))
    }
    default:
      return []
  }
}
