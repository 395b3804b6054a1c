/** What the browser keeps, and how the tabs of this page hear of what another has written. */
import { createStore, del, entries, get, keys, set, type UseStore } from 'idb-keyval'
import type { JournalJson } from 'mistral-webgpu'
import type { Conversation, Entry } from './conversation.ts'
import { type Packed, packed, unpacked } from './packed.ts'

/** What the list shows of a conversation: the page begins without reading all that was ever said. */
export type Heading = Pick<Conversation, 'id' | 'title' | 'changed'>

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
  /** None. */
  readonly entries: Readonly<Record<string, never>>
}

export type News = { readonly about: 'conversation' | 'answer' | 'stop'; readonly id: string }

const WEEK = 7 * 24 * 3600 * 1000
/** Databases of their own, since a store cannot be added to one whose older pages are still open. */
const conversations: UseStore = createStore('mistral-webgpu', 'conversations')
const headings: UseStore = createStore('mistral-webgpu headings', 'headings')
const answers: UseStore = createStore('mistral-webgpu answers', 'answers')
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('mistral-webgpu conversations') : undefined

/** Tells the other tabs. */
export function tell(news: News): void {
  channel?.postMessage(news)
}

export function listen(take: (news: News) => void): void {
  channel?.addEventListener('message', ({ data }) => take(data as News))
}

/** Of all conversations. Throws what the browser says where it keeps nothing. */
export async function readHeadings(): Promise<Heading[]> {
  const found = new Map(await entries<string, Heading>(headings))
  const ids = await keys<string>(conversations)
  // Those that an older version of this page has kept, or one that did not live to write the heading.
  for (const id of ids.filter((id) => !found.has(id))) {
    const one = await get<Packed | Removed>(id, conversations)
    if (one === undefined) continue
    if (!isRemoved(one)) found.set(id, await keepHeading(one))
    else if (one.removed < Date.now() - WEEK) await del(id, conversations)
  }
  return [...found.values()]
}

export async function readHeading(id: string): Promise<Heading | undefined> {
  return get<Heading>(id, headings)
}

/** Whether a conversation was kept and not deleted since. */
export async function hasConversation(id: string): Promise<boolean> {
  const found = await get<Packed | Removed>(id, conversations)
  return found !== undefined && !isRemoved(found)
}

/**
 * @param local what of it is in memory: entries that are the same need not be read again
 * @returns undefined for one that was deleted
 */
export async function readConversation(id: string, local?: Conversation): Promise<Conversation | undefined> {
  const found = await get<Packed | Removed>(id, conversations)
  return found === undefined || isRemoved(found) ? undefined : unpacked(found, local)
}

/**
 * Reads, changes and writes in one transaction: what another tab has written meanwhile stays.
 * @param make looks at no tokens of the entries that are kept
 * @param local taken where nothing is kept yet
 * @returns what is kept now; undefined where the conversation was deleted
 */
export async function changeConversation(
  id: string,
  make: (kept: Conversation) => Conversation,
  local: Conversation | undefined,
): Promise<Packed | undefined> {
  const after = await conversations('readwrite', (store) => {
    return new Promise<Packed | undefined>((resolve, reject) => {
      let after: Packed | undefined
      const request = store.get(id) as IDBRequest<Packed | Removed | undefined>
      request.onsuccess = () => {
        const before = request.result ?? local
        if (before === undefined || isRemoved(before)) return
        after = packed(make(before as Conversation))
        store.put(after, id)
      }
      store.transaction.oncomplete = () => resolve(after)
      store.transaction.onabort = () => reject(store.transaction.error)
    })
  })
  if (after !== undefined) await keepHeading(after)
  return after
}

async function keepHeading({ id, title, changed }: Heading): Promise<Heading> {
  const heading = { id, title, changed }
  await set(id, heading, headings)
  return heading
}

export async function removeConversation(id: string): Promise<void> {
  await set(id, { removed: Date.now(), entries: {} } satisfies Removed, conversations)
  await del(id, headings)
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

function isRemoved(value: object): value is Removed {
  return 'removed' in value
}
