/** A conversation as a tree: regenerating and editing add branches, and nothing that was said is lost. */

/** A token of an answer, as the model saw it. */
export interface Token {
  readonly id: number
  readonly text: string
  /** Natural logarithm. */
  readonly logprob: number
  /** What else was probable, itself among them. */
  readonly top: readonly { readonly id: number; readonly text: string; readonly logprob: number }[]
}

export interface Numbers {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly answerTokens: number
  readonly prefillMs: number
  readonly prefillPerSecond: number
  readonly decodePerSecond: number
  /** Milliseconds from the request to each token. */
  readonly arrivals: readonly number[]
}

/**
 * An answer that has no end yet: it is written `here`, or in another tab (`elsewhere`), or by nobody since a reload or a crash
 * `cut` it off.
 */
export type Live = 'here' | 'elsewhere' | 'cut'

export interface Entry {
  readonly id: string
  /** The entry that it answers or follows; undefined for the first. */
  readonly parent: string | undefined
  readonly role: 'user' | 'assistant'
  readonly text: string
  readonly reasoning?: string
  readonly tokens?: readonly Token[]
  /** The prompt as the model saw it, from which an answer can be continued. */
  readonly promptIds?: readonly number[]
  readonly numbers?: Numbers
  /** Whose tokens these are. */
  readonly model?: string
  readonly end?: 'stop' | 'length' | 'tool_calls' | 'stopped' | 'failed'
  /** Of an answer that is not kept yet. */
  readonly live?: Live
}

/** Whether somebody writes it now. */
export function isWritten({ live }: Pick<Entry, 'live'>): boolean {
  return live === 'here' || live === 'elsewhere'
}

export interface Conversation {
  readonly id: string
  readonly title: string
  readonly changed: number
  readonly entries: Readonly<Record<string, Entry>>
  /** Which of several branches is shown, by the entry (or '' for the beginning) that they follow. */
  readonly chosen: Readonly<Record<string, string>>
}

export function newConversation(): Conversation {
  return { id: crypto.randomUUID(), title: 'New conversation', changed: Date.now(), entries: {}, chosen: {} }
}

/** With one more entry, or another in the place of one. It is not chosen. */
export function withEntry(conversation: Conversation, entry: Entry): Conversation {
  const first = Object.keys(conversation.entries).length === 0
  return {
    ...conversation,
    title: first ? titleOf(entry.text) : conversation.title,
    changed: Date.now(),
    entries: { ...conversation.entries, [entry.id]: entry },
  }
}

/** The entries that follow one, in the order in which they came. */
export function branches({ entries }: Pick<Conversation, 'entries'>, parent: string | undefined): Entry[] {
  return Object.values(entries).filter((entry) => entry.parent === parent)
}

export function choose(conversation: Conversation, { parent, id }: Pick<Entry, 'parent' | 'id'>): Conversation {
  return { ...conversation, chosen: { ...conversation.chosen, [parent ?? '']: id } }
}

/** What is shown: from the beginning along the chosen branches, or the latest where none is. */
export function shown(conversation: Conversation): Entry[] {
  const { entries, chosen } = conversation
  const latest = new Map(Object.values(entries).map((entry) => [entry.parent ?? '', entry]))
  const path: Entry[] = []
  let parent = ''
  for (;;) {
    const wanted = entries[chosen[parent] ?? '']
    const entry = (wanted?.parent ?? '') === parent ? (wanted ?? latest.get(parent)) : latest.get(parent)
    if (entry === undefined) return path
    path.push(entry)
    parent = entry.id
  }
}

/** The entries from the beginning to this one. */
export function pathTo(conversation: Conversation, id: string | undefined): Entry[] {
  const path: Entry[] = []
  for (let at = id; at !== undefined; ) {
    const entry: Entry | undefined = conversation.entries[at]
    if (entry === undefined) break
    path.unshift(entry)
    at = entry.parent
  }
  return path
}

function titleOf(text: string): string {
  const line = text.trim().split('\n')[0] ?? ''
  return line.length > 48 ? `${line.slice(0, 47).trimEnd()}…` : line || 'New conversation'
}
