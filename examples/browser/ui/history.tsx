/** The conversations that this browser keeps. */
import { signal } from '@preact/signals'
import { live } from '../state/answering.ts'
import { type Conversation, shown } from '../state/conversation.ts'
import { current, exportCurrent, importFile, kept, remove, show, startAnew } from '../state/history.ts'
import { drawer } from './app.tsx'
import { Icon } from './icon.tsx'

const importError = signal<string | undefined>(undefined)

export function History() {
  const busy = live.value !== undefined
  const startNew = () => {
    startAnew()
    drawer.value = undefined
  }
  const pick = (conversation: Conversation) => () => {
    show(conversation)
    drawer.value = undefined
  }
  return (
    <nav class="side history" aria-label="Conversations">
      <button type="button" class="wide" id="new" disabled={busy} onClick={startNew}>
        <Icon name="plus" /> New conversation
      </button>
      <ul>
        {kept.value.map((conversation) => (
          <li key={conversation.id} class={conversation.id === current.value.id ? 'at-hand' : ''}>
            <button
              type="button"
              class="title"
              disabled={busy}
              aria-current={conversation.id === current.value.id}
              onClick={pick(conversation)}
            >
              {conversation.title}
            </button>
            <button
              type="button"
              class="icon small"
              aria-label={`Delete ${conversation.title}`}
              disabled={busy}
              onClick={() => void remove(conversation.id)}
            >
              <Icon name="bin" />
            </button>
          </li>
        ))}
      </ul>
      <footer>
        <button type="button" class="quiet" disabled={shown(current.value).length === 0} onClick={exportCurrent}>
          <Icon name="save" /> Export
        </button>
        <input
          id="import"
          class="hidden-input"
          type="file"
          accept=".json,application/json"
          disabled={busy}
          onChange={(event) => void take(event)}
        />
        <label class="button quiet" for="import">
          <Icon name="open" /> Import
        </label>
        {importError.value !== undefined && <p role="alert">{importError.value}</p>}
        <p class="small">Kept in this browser only.</p>
      </footer>
    </nav>
  )
}

async function take(event: Event): Promise<void> {
  const input = event.currentTarget as HTMLInputElement
  const file = input.files?.[0]
  if (file === undefined) return
  try {
    await importFile(file)
    importError.value = undefined
  } catch (error) {
    importError.value = (error as Error).message
  }
  input.value = ''
}
