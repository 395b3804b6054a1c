/**
 * Conversations as they are kept. An answer's tokens with their alternatives are thousands of objects, which a database takes
 * and gives one by one; as one text they cost next to nothing until somebody looks.
 */
import type { Conversation, Entry } from './conversation.ts'

interface PackedEntry extends Omit<Entry, 'tokens'> {
  /** As JSON; as they are where an older version of this page has kept them. */
  readonly tokens?: string | NonNullable<Entry['tokens']>
}

export interface Packed extends Omit<Conversation, 'entries'> {
  readonly entries: Readonly<Record<string, PackedEntry>>
}

/** An entry does not change, so that it is packed once. */
const done = new WeakMap<object, PackedEntry>()

/** @param conversation some of its entries may be packed already */
export function packed(conversation: Conversation | Packed): Packed {
  const entries = Object.entries(conversation.entries).map(([id, entry]) => [id, packedEntry(entry)])
  return { ...conversation, entries: Object.fromEntries(entries) }
}

/** @param local what of it is in memory already: what is the same there is taken from there */
export function unpacked(conversation: Packed, local?: Conversation): Conversation {
  const entries = Object.entries(conversation.entries).map(([id, entry]) => {
    const before = local?.entries[id]
    const isSame = before !== undefined && before.text === entry.text && before.end === entry.end
    return [id, isSame ? before : unpackedEntry(entry)]
  })
  return { ...conversation, entries: Object.fromEntries(entries) }
}

function packedEntry(entry: Entry | PackedEntry): PackedEntry {
  const { tokens } = entry
  if (tokens === undefined || typeof tokens === 'string') return entry as PackedEntry
  let found = done.get(entry)
  if (found === undefined) {
    found = { ...entry, tokens: JSON.stringify(tokens) }
    done.set(entry, found)
  }
  return found
}

function unpackedEntry({ tokens, ...entry }: PackedEntry): Entry {
  if (tokens === undefined) return entry
  return {
    ...entry,
    tokens: typeof tokens === 'string' ? (JSON.parse(tokens) as NonNullable<Entry['tokens']>) : tokens,
  }
}
