/** What is being typed and is not said yet: it outlives a reload. */
import { effect, signal } from '@preact/signals'

const KEY = 'mistral-webgpu typed'

export const typed = signal(stored())
/** Messages that are being put in other words, by their ids: looking at another conversation does not lose them. */
export const edits = signal<ReadonlyMap<string, string>>(new Map())

export function setEdit(id: string, text: string | undefined): void {
  const after = new Map(edits.value)
  if (text === undefined) after.delete(id)
  else after.set(id, text)
  edits.value = after
}

effect(() => {
  try {
    sessionStorage.setItem(KEY, typed.value)
  } catch {
    // A browser that keeps nothing: the text lasts as long as the page.
  }
})

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? ''
  } catch {
    return ''
  }
}
