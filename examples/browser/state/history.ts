/** Conversations that the browser keeps. They never leave it. Every tab shows what another has written. */
import { batch, signal } from '@preact/signals'
import { type Conversation, choose, type Entry, newConversation, withEntry } from './conversation.ts'
import { conversationOf } from './imported.ts'
import { changeConversation, readConversation, readConversations, removeConversation, tell } from './store.ts'

export const current = signal<Conversation>(newConversation())
/** All that are kept, the latest first. */
export const kept = signal<readonly Conversation[]>([])
/** Why nothing is kept; undefined while all is well. */
export const unkept = signal<string | undefined>(undefined)

/** The conversation that this tab shows is found again after a reload. */
const SHOWN = 'mistral-webgpu shown'
/** Changes of conversations that are on their way to the store. */
const pending = new Map<string, number>()

export async function openHistory(): Promise<void> {
  try {
    const found = await readConversations()
    // What was said before all this was read stays.
    const all = [...kept.value, ...found.filter(({ id }) => kept.value.every((one) => one.id !== id))]
    kept.value = all.sort(byTime)
    const before = remembered()
    const asked = kept.value.find(({ id }) => id === before) ?? (before === null ? kept.value[0] : undefined)
    if (asked !== undefined && isEmpty(current.value)) current.value = asked
  } catch (error) {
    noteUnkept(error)
  }
}

export function show(conversation: Conversation): void {
  current.value = conversation
  remember(conversation.id)
}

export function startAnew(): void {
  if (!isEmpty(current.value)) show(newConversation())
}

/**
 * Changes a conversation that is shown or kept, here at once and then in the store. `make` is called for each, since
 * another tab may have written to the store.
 * @returns once it is stored; whether the conversation is still there
 */
export async function change(id: string, make: (conversation: Conversation) => Conversation): Promise<boolean> {
  const before = find(id)
  if (before === undefined) return false
  put(make(before))
  pending.set(id, (pending.get(id) ?? 0) + 1)
  try {
    const stored = await changeConversation(before, make).finally(() => settle(id))
    tell({ about: 'conversation', id })
    if (stored === undefined) leave(id)
    else adopt(stored)
    return stored !== undefined
  } catch (error) {
    // A private window may have no storage, and a disk may be full: the history lasts as long as the page.
    noteUnkept(error)
    return find(id) !== undefined
  }
}

/** Adds an entry, and shows it in the place of others that follow the same. */
export function add(id: string, entry: Entry): Promise<boolean> {
  return change(id, (conversation) => choose(withEntry(conversation, entry), entry))
}

/** Another tab has written a conversation, or deleted it. @returns whether it is still there */
export async function refresh(id: string): Promise<boolean> {
  try {
    const stored = await readConversation(id)
    if (stored === undefined) leave(id)
    else adopt(stored)
    return stored !== undefined
  } catch (error) {
    noteUnkept(error)
    return true
  }
}

export async function remove(id: string): Promise<void> {
  leave(id)
  await removeConversation(id).catch(noteUnkept)
  tell({ about: 'conversation', id })
}

export function find(id: string): Conversation | undefined {
  return current.value.id === id ? current.value : kept.value.find((one) => one.id === id)
}

/** Hands a conversation to the visitor as a file. */
export function exportFile(conversation: Conversation): void {
  const blob = new Blob([JSON.stringify(conversation, null, 1)], { type: 'application/json' })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = `${conversation.title.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 40) || 'conversation'}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** Throws `Error` that says what is wrong with the file. */
export async function importFile(file: File): Promise<void> {
  const conversation = conversationOf(await file.text())
  show(conversation)
  await change(conversation.id, (same) => same)
}

/** Takes what the store has. Which branches are shown is this tab's own to say, where it has said so. */
function adopt(stored: Conversation): void {
  const local = find(stored.id)
  const unstored = pending.has(stored.id) ? local?.entries : undefined
  put({
    ...stored,
    entries: { ...stored.entries, ...unstored },
    chosen: { ...stored.chosen, ...local?.chosen },
  })
}

function put(after: Conversation): void {
  batch(() => {
    if (current.value.id === after.id) current.value = after
    kept.value = [after, ...kept.value.filter(({ id }) => id !== after.id)].sort(byTime)
  })
}

/** Does not show a conversation any more. */
function leave(id: string): void {
  batch(() => {
    kept.value = kept.value.filter((one) => one.id !== id)
    if (current.value.id === id) show(kept.value[0] ?? newConversation())
  })
}

function settle(id: string): void {
  const left = pending.get(id)! - 1
  if (left === 0) pending.delete(id)
  else pending.set(id, left)
}

export function noteUnkept(error: unknown): undefined {
  unkept.value = (error as Error | null)?.message ?? 'no storage'
}

function isEmpty({ entries }: Conversation): boolean {
  return Object.keys(entries).length === 0
}

function byTime(a: Conversation, b: Conversation): number {
  return b.changed - a.changed
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(SHOWN)
  } catch {
    return null
  }
}

function remember(id: string): void {
  try {
    sessionStorage.setItem(SHOWN, id)
  } catch {
    // Without storage a reload shows the latest.
  }
}
