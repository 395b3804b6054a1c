/** Conversations that the browser keeps. They never leave it. Every tab shows what another has written. */
import { batch, signal } from '@preact/signals'
import { type Conversation, choose, type Entry, newConversation, withEntry } from './conversation.ts'
import { conversationOf } from './imported.ts'
import { type Packed, unpacked } from './packed.ts'
import { remember, remembered } from './session.ts'
import {
  changeConversation,
  type Heading,
  readConversation,
  readHeading,
  readHeadings,
  removeConversation,
  tell,
} from './store.ts'

export const current = signal<Conversation>(newConversation())
/** All that are kept, the latest first. */
export const kept = signal<readonly Heading[]>([])
/** Why nothing is kept; undefined while all is well. */
export const unkept = signal<string | undefined>(undefined)

/** The conversation that this tab shows is found again after a reload. */
const SHOWN = 'mistral-webgpu shown'
/** Changes of conversations that are on their way to the store. */
const pending = new Map<string, number>()
/** Conversations that are not shown and that the store has not, or not yet. */
const unstored = new Map<string, Conversation>()

export async function openHistory(): Promise<void> {
  try {
    const found = await readHeadings()
    // What was said before all this was read stays.
    const all = [...kept.value, ...found.filter(({ id }) => kept.value.every((one) => one.id !== id))]
    kept.value = all.sort(byTime)
    const before = remembered(SHOWN)
    const asked = before === null ? kept.value[0]?.id : kept.value.find(({ id }) => id === before)?.id
    if (asked !== undefined && isEmpty(current.value)) await open(asked)
  } catch (error) {
    noteUnkept(error)
  }
}

/** Shows a conversation that is kept. */
export async function open(id: string): Promise<void> {
  const before = current.value
  if (before.id === id) return
  try {
    const found = unstored.get(id) ?? (await readConversation(id))
    // Somebody has chosen another meanwhile.
    if (current.value.id !== before.id) return
    if (found === undefined) forget(id)
    else show(found)
  } catch (error) {
    noteUnkept(error)
  }
}

export function show(conversation: Conversation): void {
  const { value: before } = current
  if (!isEmpty(before) && (unkept.value !== undefined || pending.has(before.id))) unstored.set(before.id, before)
  current.value = conversation
  remember(SHOWN, conversation.id)
}

export function startAnew(): void {
  if (!isEmpty(current.value)) show(newConversation())
}

/**
 * Changes a conversation, here at once and then in the store. `make` is called for each, since another tab may have written to
 * the store; it looks at no tokens.
 * @returns once it is stored; whether the conversation is still there
 */
export async function change(id: string, make: (conversation: Conversation) => Conversation): Promise<boolean> {
  const before = find(id)
  if (before !== undefined) put(make(before))
  pending.set(id, (pending.get(id) ?? 0) + 1)
  try {
    const stored = await changeConversation(id, make, before).finally(() => settle(id))
    tell({ about: 'conversation', id })
    if (stored === undefined) forget(id)
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
    const isShown = current.value.id === id
    const stored = isShown ? await readConversation(id, current.value) : undefined
    const heading = stored ?? (await readHeading(id))
    if (heading === undefined || (isShown && stored === undefined)) forget(id)
    else if (stored !== undefined) merge(stored)
    else list(heading)
    return heading !== undefined
  } catch (error) {
    noteUnkept(error)
    return true
  }
}

/** What was deleted last, while it can be had back. */
export const removed = signal<Conversation | undefined>(undefined)

/** Milliseconds in which the visitor can think again. */
const SECOND_THOUGHTS = 15_000

export async function remove(id: string): Promise<void> {
  const before = find(id) ?? (await readConversation(id).catch(noteUnkept))
  removed.value = before
  setTimeout(() => {
    if (removed.value === before) removed.value = undefined
  }, SECOND_THOUGHTS)
  forget(id)
  await removeConversation(id).catch(noteUnkept)
  // What was on its way to the store has come back meanwhile.
  forget(id)
  tell({ about: 'conversation', id })
}

/** Brings back what was deleted last, under another id: no tab has it any more under its own. */
export async function restore(): Promise<void> {
  const { value: before } = removed
  if (before === undefined) return
  removed.value = undefined
  await take({ ...before, id: crypto.randomUUID() })
}

/** What of a conversation is in memory. */
function find(id: string): Conversation | undefined {
  return current.value.id === id ? current.value : unstored.get(id)
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
  await take(conversationOf(await file.text()))
}

async function take(conversation: Conversation): Promise<void> {
  show(conversation)
  await change(conversation.id, (same) => same)
}

function adopt(stored: Packed): void {
  if (!pending.has(stored.id) && current.value.id !== stored.id) unstored.delete(stored.id)
  if (current.value.id === stored.id) merge(unpacked(stored, current.value))
  else list(stored)
}

/** Takes what the store has of the conversation that is shown. Which branches are shown is this tab's own to say. */
function merge(stored: Conversation): void {
  const { value: local } = current
  const isShown = local.id === stored.id
  const own = isShown && pending.has(stored.id) ? local.entries : {}
  if (isShown) put({ ...stored, entries: { ...stored.entries, ...own }, chosen: { ...stored.chosen, ...local.chosen } })
  else list(stored)
}

function put(after: Conversation): void {
  batch(() => {
    if (current.value.id === after.id) current.value = after
    else unstored.set(after.id, after)
    list(after)
  })
}

function list({ id, title, changed }: Heading): void {
  const before = kept.value.find((one) => one.id === id)
  if (before?.title === title && before.changed === changed) return
  kept.value = [{ id, title, changed }, ...kept.value.filter((one) => one.id !== id)].sort(byTime)
}

/** Does not show a conversation any more. */
function forget(id: string): void {
  unstored.delete(id)
  batch(() => {
    kept.value = kept.value.filter((one) => one.id !== id)
    if (current.value.id !== id) return
    current.value = newConversation()
    const [latest] = kept.value
    if (latest !== undefined) void open(latest.id)
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

function byTime(a: Heading, b: Heading): number {
  return b.changed - a.changed
}
