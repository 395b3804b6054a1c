/** The conversations that this browser keeps. */
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { removeAll, stop } from '../state/answering.ts'
import { current, exportFile, importFile, kept, open, removed, restore, startAnew, unkept } from '../state/history.ts'
import { busy, path, runningIn, viewed, writing } from '../state/running.ts'
import type { Heading } from '../state/store.ts'
import { drawer } from './app.tsx'
import { Icon } from './icon.tsx'

const importError = signal<string | undefined>(undefined)

export function History() {
  const isBusy = new Set(busy.value.split(' '))
  const startNew = () => {
    startAnew()
    drawer.value = undefined
    // On a touch screen that would bring the keyboard over the page.
    if (matchMedia('(pointer: fine)').matches) document.getElementById('prompt')?.focus()
  }
  return (
    <nav class="side history" aria-label="Conversations">
      <button type="button" class="wide" id="new" onClick={startNew}>
        <Icon name="plus" /> New conversation
      </button>
      <ul>
        {kept.value.map((heading) => (
          <Item key={heading.id} heading={heading} isBusy={isBusy.has(heading.id)} />
        ))}
      </ul>
      <footer>
        <div role="status">
          {removed.value !== undefined && <Undo key={removed.value.id} title={removed.value.title} />}
        </div>
        <button type="button" class="quiet" disabled={path.value.length === 0} onClick={exportViewed}>
          <Icon name="save" /> Export
        </button>
        <input
          id="import"
          class="hidden-input"
          type="file"
          accept=".json,application/json"
          onChange={(event) => void take(event)}
        />
        <label class="button quiet" for="import">
          <Icon name="open" /> Import
        </label>
        {importError.value !== undefined && <p role="alert">{importError.value}</p>}
        <p class="small">
          {unkept.value === undefined
            ? 'Kept in this browser only.'
            : `This browser keeps nothing: what is said here is lost with the page. (${unkept.value})`}
        </p>
      </footer>
    </nav>
  )
}

/** The button that deleted is gone: the keyboard goes to the one that brings back. */
function Undo({ title }: { title: string }) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => button.current?.focus(), [])
  const undo = () => {
    void restore()
    document.getElementById('prompt')?.focus()
  }
  return (
    <p class="note">
      <span>
        Deleted: <q>{title}</q>
      </span>
      <button type="button" ref={button} onClick={undo}>
        Undo
      </button>
    </p>
  )
}

function Item({ heading: { id, title }, isBusy }: { heading: Heading; isBusy: boolean }) {
  const isAtHand = id === current.value.id
  // What is in sight is stopped where the visitor writes.
  const isStoppable = isBusy && !(isAtHand && writing.value !== undefined)
  const pick = () => {
    void open(id)
    drawer.value = undefined
  }
  return (
    <li class={isAtHand ? 'at-hand' : ''}>
      <button type="button" class="title" aria-current={isAtHand} onClick={pick}>
        {isBusy && (
          <span class="running">
            <span class="visually-hidden">Being answered: </span>
          </span>
        )}
        <span class="name">{title}</span>
      </button>
      {isStoppable && (
        <button
          type="button"
          class="icon small"
          aria-label={`Stop the answer in ${title}`}
          onClick={() => runningIn(id).map((answer) => stop(answer.id))}
        >
          <Icon name="stop" />
        </button>
      )}
      <button type="button" class="icon small" aria-label={`Delete ${title}`} onClick={() => void removeAll(id)}>
        <Icon name="bin" />
      </button>
    </li>
  )
}

/** What is still being written is exported as far as it has come. */
function exportViewed(): void {
  const entries = Object.entries(viewed.value.entries).map(([id, { live, ...entry }]) => {
    return [id, live === undefined ? entry : { ...entry, end: 'stopped' }]
  })
  exportFile({ ...viewed.value, entries: Object.fromEntries(entries) })
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
