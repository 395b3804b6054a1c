/** Conversations out of files, which anybody may have written: what is read is checked, and the rest is left out. */
import type { Conversation, Entry, Numbers, Token } from './conversation.ts'

type Unknown = Readonly<Record<string, unknown>>

const ENDS: readonly unknown[] = ['stop', 'length', 'tool_calls', 'stopped', 'failed']

/** Reads an exported file. Throws `Error` that says what is wrong with it. */
export function conversationOf(text: string): Conversation {
  const value = record(parsed(text))
  const listed = Object.values(record(value?.entries) ?? {})
  if (value === undefined || listed.length === 0) throw new Error('This file holds no conversation of this page.')
  const entries = listed.map((one, i) => entryOf(one, `entry ${i + 1}`))
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  if (byId.size < entries.length) throw new Error('Two entries of this conversation have the same id.')
  for (const { parent } of entries) {
    if (parent !== undefined && !byId.has(parent)) throw new Error('An entry of this conversation follows none.')
  }
  refuseCircles(byId)
  const chosen = Object.entries(record(value.chosen) ?? {})
  return {
    id: crypto.randomUUID(),
    title: typeof value.title === 'string' && value.title.trim() !== '' ? value.title.slice(0, 200) : 'Imported',
    changed: Date.now(),
    entries: Object.fromEntries(byId),
    chosen: Object.fromEntries(chosen.filter((pair): pair is [string, string] => typeof pair[1] === 'string')),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('This file is no JSON, or was cut off.')
  }
}

/** What follows itself would be shown without end. */
function refuseCircles(byId: ReadonlyMap<string, Entry>): void {
  const sound = new Set<string>()
  for (const entry of byId.values()) {
    const path = new Set<string>()
    for (let at: Entry | undefined = entry; at !== undefined && !sound.has(at.id); at = byId.get(at.parent ?? '')) {
      if (path.has(at.id)) throw new Error('The entries of this conversation follow each other in a circle.')
      path.add(at.id)
    }
    for (const id of path) sound.add(id)
  }
}

function entryOf(value: unknown, name: string): Entry {
  const { id, parent, role, text, reasoning, tokens, promptIds, numbers, model, end } = record(value) ?? {}
  if (typeof id !== 'string' || id === '' || typeof text !== 'string' || (role !== 'user' && role !== 'assistant')) {
    throw new Error(`In this file, ${name} has no id, no text, or a role other than user and assistant.`)
  }
  const tokensRead = listOf(tokens, tokenOf)
  const idsRead = listOf(promptIds, idOf)
  const numbersRead = numbersOf(numbers)
  return {
    id,
    parent: typeof parent === 'string' && parent !== '' ? parent : undefined,
    role,
    text,
    ...(typeof reasoning === 'string' && { reasoning }),
    ...(tokensRead && { tokens: tokensRead }),
    ...(idsRead && { promptIds: idsRead }),
    ...(numbersRead && { numbers: numbersRead }),
    ...(typeof model === 'string' && { model }),
    ...(ENDS.includes(end) && { end: end as NonNullable<Entry['end']> }),
  }
}

function tokenOf(value: unknown): Token | undefined {
  const { id, text, logprob, top } = record(value) ?? {}
  const alternatives = listOf(top, alternativeOf)
  const own = alternativeOf({ id, text, logprob })
  return own && alternatives && { ...own, top: alternatives }
}

function alternativeOf(value: unknown): Token['top'][number] | undefined {
  const { id, text, logprob } = record(value) ?? {}
  if (idOf(id) === undefined || typeof text !== 'string' || typeof logprob !== 'number') return undefined
  return { id: id as number, text, logprob }
}

function idOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

function numbersOf(value: unknown): Numbers | undefined {
  const given = record(value)
  const arrivals = listOf(given?.arrivals, finite)
  if (given === undefined || arrivals === undefined) return undefined
  const of = (name: keyof Numbers) => finite(given[name]) ?? 0
  return {
    promptTokens: of('promptTokens'),
    cachedTokens: of('cachedTokens'),
    answerTokens: of('answerTokens'),
    prefillMs: of('prefillMs'),
    prefillPerSecond: of('prefillPerSecond'),
    decodePerSecond: of('decodePerSecond'),
    arrivals,
  }
}

function finite(value: unknown): number | undefined {
  return Number.isFinite(value) ? (value as number) : undefined
}

/** undefined where one of the values is no such thing. */
function listOf<T>(value: unknown, read: (one: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined
  const all = value.map(read).filter((one) => one !== undefined)
  return all.length === value.length ? all : undefined
}

function record(value: unknown): Unknown | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Unknown) : undefined
}
