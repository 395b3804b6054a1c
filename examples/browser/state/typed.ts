/** What is being typed and is not said yet: it outlives a reload. */
import { effect, signal } from '@preact/signals'
import { remember, remembered } from './session.ts'

const KEY = 'mistral-webgpu typed'

export const typed = signal(remembered(KEY) ?? '')
/** Messages that are being put in other words, by their ids: looking at another conversation does not lose them. */
export const edits = signal<ReadonlyMap<string, string>>(new Map())

export function setEdit(id: string, text: string | undefined): void {
  const after = new Map(edits.value)
  if (text === undefined) after.delete(id)
  else after.set(id, text)
  edits.value = after
}

effect(() => remember(KEY, typed.value))
