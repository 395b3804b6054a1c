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
  readonly end?: 'stop' | 'length' | 'tool_calls' | 'stopped' | 'failed'
  readonly error?: string
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

export function withEntry(conversation: Conversation, entry: Entry): Conversation {
  const first = Object.keys(conversation.entries).length === 0
  return {
    ...conversation,
    title: first ? titleOf(entry.text) : conversation.title,
    changed: Date.now(),
    entries: { ...conversation.entries, [entry.id]: entry },
    chosen: { ...conversation.chosen, [entry.parent ?? '']: entry.id },
  }
}

/** The entries that follow one, in the order in which they came. */
export function branches(conversation: Conversation, parent: string | undefined): Entry[] {
  return Object.values(conversation.entries).filter((entry) => entry.parent === parent)
}

export function choose(conversation: Conversation, entry: Entry): Conversation {
  return { ...conversation, chosen: { ...conversation.chosen, [entry.parent ?? '']: entry.id } }
}

/** What is shown: from the beginning along the chosen branches. */
export function shown(conversation: Conversation): Entry[] {
  const path: Entry[] = []
  for (let id = conversation.chosen['']; id !== undefined; id = conversation.chosen[id]) {
    const entry = conversation.entries[id]
    if (entry === undefined) break
    path.push(entry)
  }
  return path
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

/** Reads an exported file. Throws `Error` that says what is wrong with it. */
export function conversationOf(text: string): Conversation {
  const value = JSON.parse(text) as Partial<Conversation>
  const entries = Object.values(value.entries ?? {})
  const sound = entries.every(
    ({ id, role, text }) =>
      typeof id === 'string' && typeof text === 'string' && (role === 'user' || role === 'assistant'),
  )
  if (typeof value.title !== 'string' || typeof value.chosen !== 'object' || entries.length === 0 || !sound) {
    throw new Error('This file holds no conversation of this page.')
  }
  return { ...(value as Conversation), id: crypto.randomUUID(), changed: Date.now() }
}
