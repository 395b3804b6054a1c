/** Conversations that the browser keeps. They never leave it. */
import { signal } from '@preact/signals'
import { createStore, del, entries, set, type UseStore } from 'idb-keyval'
import { type Conversation, conversationOf, newConversation } from './conversation.ts'

export const current = signal<Conversation>(newConversation())
/** All that are kept, the latest first. */
export const kept = signal<readonly Conversation[]>([])

let store: UseStore | undefined

export async function openHistory(): Promise<void> {
  try {
    store = createStore('mistral-webgpu', 'conversations')
    const all = (await entries<string, Conversation>(store)).map(([, conversation]) => conversation)
    kept.value = all.sort((a, b) => b.changed - a.changed)
    const latest = kept.value[0]
    if (latest !== undefined) current.value = latest
  } catch {
    // A private window may have no storage: the history lasts as long as the page.
    store = undefined
  }
}

/** Shows a conversation, and keeps it once something was said. */
export function show(conversation: Conversation): void {
  current.value = conversation
}

/** Changes a conversation that is shown or kept. */
export function change(id: string, make: (conversation: Conversation) => Conversation): void {
  const before = current.value.id === id ? current.value : kept.value.find((one) => one.id === id)
  if (before === undefined) return
  const after = make(before)
  if (current.value.id === id) current.value = after
  kept.value = [after, ...kept.value.filter((one) => one.id !== id)].sort((a, b) => b.changed - a.changed)
  if (store !== undefined) void set(id, after, store).catch(() => {})
}

export function startAnew(): void {
  current.value = newConversation()
}

export async function remove(id: string): Promise<void> {
  kept.value = kept.value.filter((one) => one.id !== id)
  if (current.value.id === id) current.value = kept.value[0] ?? newConversation()
  if (store !== undefined) await del(id, store).catch(() => {})
}

/** Hands the conversation to the visitor as a file. */
export function exportCurrent(): void {
  const { title } = current.value
  const blob = new Blob([JSON.stringify(current.value, null, 1)], { type: 'application/json' })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = `${title.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 40) || 'conversation'}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** Throws `Error` that says what is wrong with the file. */
export async function importFile(file: File): Promise<void> {
  const conversation = conversationOf(await file.text())
  current.value = conversation
  change(conversation.id, (same) => same)
}
