/**
 * A reader of expressions that knows no automata: which ends a part of a text can have, by trying everything. It defines what
 * test/constraints checks.
 */
import type { Expression, Text } from '../../src/constraints/expression.ts'

/** All places where a match of `text` that begins at `start` can end; `chars` are characters. */
function textEnds(text: Text, chars: readonly number[], start: number): Set<number> {
  switch (text.kind) {
    case 'chars': {
      const char = chars[start]
      const inside = char !== undefined && text.ranges.some(([first, last]) => char >= first && char <= last)
      return new Set(inside ? [start + 1] : [])
    }
    case 'sequence':
      return text.items.reduce((at, item) => each(at, (i) => textEnds(item, chars, i)), new Set([start]))
    case 'either':
      return new Set(text.options.flatMap((option) => [...textEnds(option, chars, start)]))
    case 'repeat':
      return repeated(text, start, (i) => textEnds(text.item, chars, i))
    case 'all': {
      const [first, ...rest] = text.items.map((item) => textEnds(item, chars, start))
      const all = first ?? new Set(Array.from({ length: chars.length - start + 1 }, (_, i) => start + i))
      return new Set([...all].filter((end) => rest.every((ends) => ends.has(end))))
    }
    case 'not': {
      const ends = textEnds(text.item, chars, start)
      const all = Array.from({ length: chars.length - start + 1 }, (_, i) => start + i)
      return new Set(all.filter((end) => !ends.has(end)))
    }
  }
}

function each(starts: Set<number>, ends: (start: number) => Set<number>): Set<number> {
  return new Set([...starts].flatMap((start) => [...ends(start)]))
}

function repeated(
  { min, max }: { min: number; max: number },
  start: number,
  ends: (start: number) => Set<number>,
): Set<number> {
  let at = new Set([start])
  const found = new Set<number>(min === 0 ? [start] : [])
  const seen = new Set<string>()
  for (let count = 1; count <= max && at.size > 0; count++) {
    at = each(at, ends)
    if (count >= min) for (const end of at) found.add(end)
    const key = `${Math.min(count, min)}:${[...at].sort((a, b) => a - b).join()}`
    if (seen.has(key)) break
    seen.add(key)
  }
  return found
}

/** Whether the whole of `bytes` matches. */
export function matches(expression: Expression, bytes: Uint8Array): boolean {
  return expressionEnds(expression, bytes, 0, 0).has(bytes.length)
}

function expressionEnds(expression: Expression, bytes: Uint8Array, start: number, depth: number): Set<number> {
  if (depth > 60) return new Set()
  const go = (inner: Expression, at: number) => expressionEnds(inner, bytes, at, depth + 1)
  switch (expression.kind) {
    case 'bytes': {
      const end = start + expression.bytes.length
      return new Set(expression.bytes.every((byte, i) => bytes[start + i] === byte) ? [end] : [])
    }
    case 'any-bytes':
      return new Set(Array.from({ length: bytes.length - start + 1 }, (_, i) => start + i))
    case 'utf8':
    case 'json-string':
      return terminalEnds(expression, bytes, start)
    case 'sequence':
      return expression.items.reduce((at, item) => each(at, (i) => go(item, i)), new Set([start]))
    case 'either':
      return new Set(expression.options.flatMap((option) => [...go(option, start)]))
    case 'repeat':
      return repeated(expression, start, (i) => go(expression.item, i))
    case 'rule':
      return go(expression.expand(), start)
  }
}

function terminalEnds(
  { kind, text }: Extract<Expression, { text: Text }>,
  bytes: Uint8Array,
  start: number,
): Set<number> {
  const ends = new Set<number>()
  for (let end = start; end <= bytes.length; end++) {
    const chars = kind === 'utf8' ? decoded(bytes.subarray(start, end)) : stringOf(bytes.subarray(start, end))
    if (chars !== undefined && textEnds(text, chars, 0).has(chars.length)) ends.add(end)
  }
  return ends
}

function decoded(bytes: Uint8Array): number[] | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return Array.from(text, (char) => char.codePointAt(0)!)
  } catch {
    return undefined
  }
}

/** The characters of a JSON string. */
function stringOf(bytes: Uint8Array): number[] | undefined {
  if (bytes[0] !== 0x22) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    const chars = typeof value === 'string' ? Array.from(value, (char) => char.codePointAt(0)!) : undefined
    return chars?.some((char) => char >= 0xd800 && char <= 0xdfff) ? undefined : chars
  } catch {
    return undefined
  }
}
