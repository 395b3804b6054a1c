/**
 * Answers without an end yet, in this tab and in others. Whoever writes one holds a lock of its name; the other tabs wait
 * for that lock, and the first that gets it while the answer has no end goes on with it: its writer was reloaded, closed or
 * crashed.
 */
import { computed, effect, signal } from '@preact/signals'
import { type Conversation, type Entry, isWritten, type Live, shown, withEntry } from './conversation.ts'
import { current, noteUnkept } from './history.ts'
import { type Loaded, loaded, loading } from './model.ts'
import { hasConversation, type KeptAnswer, readAnswer, readAnswers, removeAnswer, tell, writeAnswer } from './store.ts'

export interface Running {
  readonly conversation: string
  readonly entry: Entry
  readonly live: Live
  readonly model: string
  /** As of what is kept. */
  readonly attempts: number
}

/** By the ids of the answers. */
export const running = signal<ReadonlyMap<string, Running>>(new Map())

/** The conversation that is shown, with the answers that are on their way in it. */
export const viewed = computed(() => withRunning(current.value))
/** What of it is shown. */
export const path = computed(() => shown(viewed.value))

/** So often in a row an answer may be gone on with that gets no token further: what kills a page does not do so forever. */
const ATTEMPTS = 3

let takeOver: (kept: KeptAnswer, model: Loaded) => Promise<void>
const waiting = new Map<string, AbortController>()

/** @param go goes on with an answer, and returns when it is over */
export async function openRunning(go: typeof takeOver): Promise<void> {
  takeOver = go
  try {
    for (const [id, kept] of await readAnswers()) {
      if (running.value.has(id)) continue
      note(kept.entry, kept, 'elsewhere')
      void watch(id)
    }
  } catch (error) {
    noteUnkept(error)
  }
  effect(() => {
    const model = loaded.value
    if (model === undefined) return
    for (const [id, one] of running.peek()) if (one.live === 'cut' && canGoOn(one, model)) void watch(id)
  })
}

/** Another tab has written something of an answer, or it is over. */
export async function refreshAnswer(id: string): Promise<void> {
  if (running.value.get(id)?.live === 'here') return
  const kept = await readAnswer(id).catch(noteUnkept)
  if (kept === undefined) return forget(id)
  note(kept.entry, kept, 'elsewhere')
  void watch(id)
}

/** Shows an answer as it is now. */
export function note(entry: Entry, from: Pick<KeptAnswer, 'conversation' | 'model' | 'attempts'>, live: Live): void {
  const { conversation, model, attempts } = from
  running.value = new Map(running.value).set(entry.id, { conversation, model, attempts, entry, live })
}

/** Whether an answer that was cut off goes on by itself, or may where a model is on its way now. */
export function goesOn({ id, live }: Entry): boolean {
  const kept = running.value.get(id)
  if (live !== 'cut' || kept === undefined) return false
  if (loaded.value === undefined) return loading.value !== undefined
  return canGoOn(kept, loaded.value)
}

function canGoOn({ model, attempts }: Pick<KeptAnswer, 'model' | 'attempts'>, own: Loaded): boolean {
  return model === identityOf(own) && attempts < ATTEMPTS
}

/** Keeps an answer as it is now, and tells the other tabs. */
export async function keep(answer: KeptAnswer): Promise<void> {
  try {
    await writeAnswer(answer)
    tell({ about: 'answer', id: answer.entry.id })
  } catch (error) {
    noteUnkept(error)
  }
}

/** An answer is over, or nobody wants it: it is not on its way any more, in no tab. */
export async function drop(id: string): Promise<void> {
  forget(id)
  await removeAnswer(id).catch(noteUnkept)
  tell({ about: 'answer', id })
}

/** This tab does not show an answer as one on its way any more. */
export function forget(id: string): void {
  if (running.value.has(id)) running.value = new Map([...running.value].filter(([one]) => one !== id))
  waiting.get(id)?.abort()
}

/** Does `work` while no other tab writes this answer. */
export async function holding(id: string, work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  const locks = navigator.locks as LockManager | undefined
  if (locks === undefined) return work()
  await locks.request(`mistral-webgpu answer ${id}`, signal ? { signal } : {}, work)
}

/** Waits until nobody writes an answer, and goes on with it if it has no end then and this tab's model can. */
async function watch(id: string): Promise<void> {
  if (waiting.has(id)) return
  const own = new AbortController()
  waiting.set(id, own)
  const work = async () => {
    waiting.delete(id)
    const kept = await readAnswer(id).catch(noteUnkept)
    if (kept === undefined) return forget(id)
    // Its writer did not live to see that the conversation was deleted.
    if (!(await hasConversation(kept.conversation))) return drop(id)
    const { value: model } = loaded
    if (model !== undefined && canGoOn(kept, model)) return takeOver(kept, model)
    note(kept.entry, kept, 'cut')
  }
  try {
    await holding(id, work, own.signal)
  } catch {
    // It is over, or was deleted.
  } finally {
    if (waiting.get(id) === own) waiting.delete(id)
  }
}

/** What tells whether a model can go on with another's tokens. */
export function identityOf({ name, status }: Loaded): string {
  return `${name}, ${status.memory.weights} bytes`
}

/** The conversations in which somebody writes, as one text: it changes when they do, and not with each word. */
export const busy = computed(() => {
  const ids = [...running.value.values()].filter(isWritten).map(({ conversation }) => conversation)
  return [...new Set(ids)].sort().join(' ')
})

export function runningIn(conversation: string): (Running & { readonly id: string })[] {
  const all = [...running.value].map(([id, one]) => ({ ...one, id }))
  return all.filter((one) => one.conversation === conversation && isWritten(one))
}

/** The answer at the end of what is shown, while somebody writes it. */
export const writing = computed(() => {
  const last = path.value.at(-1)
  return last !== undefined && isWritten(last) ? last : undefined
})

function withRunning(conversation: Conversation): Conversation {
  let after = conversation
  for (const { conversation: own, entry, live } of running.value.values()) {
    if (own === conversation.id) after = withEntry(after, { ...entry, live })
  }
  return after
}
