/** What the browser keeps, and how the tabs of this page hear of what another has written. */
import { createStore, del, entries, get, set, type UseStore } from 'idb-keyval'
import type { JournalJson } from 'mistral-webgpu'
import type { Conversation, Entry } from './conversation.ts'

/** An answer on its way, as far as it has come: what another page needs to go on with it. */
export interface KeptAnswer {
  readonly conversation: string
  readonly entry: Entry
  readonly journal: JournalJson
  /** Of the model that writes it. Another has other tokens. */
  readonly model: string
  /** The prompt ends inside of the answer's text, which is longer than the journal's. */
  readonly isContinued: boolean
  /** How often it was gone on with and got no token further. */
  readonly attempts: number
}

/** In the place of a conversation that was deleted, so that no tab writes it again that has not heard of it. */
interface Removed {
  readonly removed: number
}

export type News = { readonly about: 'conversation' | 'answer' | 'stop'; readonly id: string }

const WEEK = 7 * 24 * 3600 * 1000
/** Two databases, since a store cannot be added to one whose older pages are still open. */
const conversations: UseStore = createStore('mistral-webgpu', 'conversations')
const answers: UseStore = createStore('mistral-webgpu answers', 'answers')
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('mistral-webgpu conversations') : undefined

/** Tells the other tabs. */
export function tell(news: News): void {
  channel?.postMessage(news)
}

export function listen(take: (news: News) => void): void {
  channel?.addEventListener('message', ({ data }) => take(data as News))
}

/** All conversations. Throws what the browser says where it keeps nothing. */
export async function readConversations(): Promise<Conversation[]> {
  const all = await entries<string, Conversation | Removed>(conversations)
  const old = all.filter(([, one]) => isRemoved(one) && one.removed < Date.now() - WEEK)
  for (const [id] of old) await del(id, conversations)
  return all.map(([, one]) => one).filter((one): one is Conversation => !isRemoved(one))
}

/** undefined for one that was deleted. */
export async function readConversation(id: string): Promise<Conversation | undefined> {
  const found = await get<Conversation | Removed>(id, conversations)
  return found === undefined || isRemoved(found) ? undefined : found
}

/**
 * Reads, changes and writes in one transaction: what another tab has written meanwhile stays.
 * @param local taken where nothing is kept yet
 * @returns what is kept now; undefined where the conversation was deleted
 */
export async function changeConversation(
  local: Conversation,
  make: (kept: Conversation) => Conversation,
): Promise<Conversation | undefined> {
  return conversations('readwrite', (store) => {
    return new Promise((resolve, reject) => {
      let after: Conversation | undefined
      const request = store.get(local.id) as IDBRequest<Conversation | Removed | undefined>
      request.onsuccess = () => {
        const { result } = request
        if (result !== undefined && isRemoved(result)) return
        after = make(result ?? local)
        store.put(after, local.id)
      }
      store.transaction.oncomplete = () => resolve(after)
      store.transaction.onabort = () => reject(store.transaction.error)
    })
  })
}

export async function removeConversation(id: string): Promise<void> {
  return set(id, { removed: Date.now() } satisfies Removed, conversations)
}

export async function readAnswers(): Promise<[string, KeptAnswer][]> {
  return entries<string, KeptAnswer>(answers)
}

export async function readAnswer(id: string): Promise<KeptAnswer | undefined> {
  return get<KeptAnswer>(id, answers)
}

export async function writeAnswer(answer: KeptAnswer): Promise<void> {
  return set(answer.entry.id, answer, answers)
}

export async function removeAnswer(id: string): Promise<void> {
  return del(id, answers)
}

function isRemoved(value: Conversation | Removed): value is Removed {
  return 'removed' in value
}
