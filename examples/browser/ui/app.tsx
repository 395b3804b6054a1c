/** The page: conversations on the left, the one at hand in the middle, what makes and measures answers on the right. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { loaded, loading } from '../state/model.ts'
import { path } from '../state/running.ts'
import { trouble } from '../state/trouble.ts'
import { startUpdate, updateReady } from '../state/updates.ts'
import { Composer } from './composer.tsx'
import { History } from './history.tsx'
import { Icon } from './icon.tsx'
import { DropTarget, ModelBar, ModelPicker, ModelStrip } from './model-picker.tsx'
import { NoWebGpu } from './no-webgpu.tsx'
import { SidePanel } from './side-panel.tsx'
import { Transcript } from './transcript.tsx'

/** Which of the side columns is open where the screen has no room for all. */
export const drawer = signal<Drawer | undefined>(undefined)
/** The visitor chooses another model. */
export const choosing = signal(false)

type Drawer = 'history' | 'panel'

const toggle = (name: Drawer) => () => {
  if (drawer.value === name) close()
  else drawer.value = name
}

/** The keyboard goes back to where it opened what is closed now. */
function close(): void {
  const opener = drawer.value === undefined ? 'change-model' : `open-${drawer.value}`
  if (drawer.value !== undefined) drawer.value = undefined
  else if (choosing.value && loaded.value !== undefined) choosing.value = false
  else return
  document.getElementById(opener)?.focus()
}

/** Escape closes what lies over the conversation, and the keyboard goes into what is opened. */
function useKeyboard(): void {
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented && !event.isComposing) close()
    }
    document.addEventListener('keydown', keys)
    return () => document.removeEventListener('keydown', keys)
  }, [])
  const { value: opened } = drawer
  useEffect(() => {
    if (opened !== undefined) document.querySelector<HTMLElement>(FIRST[opened])?.focus()
  }, [opened])
}

const FIRST: Record<Drawer, string> = { history: '#new', panel: '.tabs [aria-selected="true"]' }

export function App() {
  useKeyboard()
  if (trouble.value !== undefined) return <NoWebGpu trouble={trouble.value} />
  const isReady = loaded.value !== undefined && loading.value === undefined
  // What was said can be read while a model is on its way.
  const picking = choosing.value || (!isReady && path.value.length === 0)
  return (
    <div class="frame" data-drawer={drawer.value ?? ''}>
      <a class="skip" href="#prompt">
        To the message
      </a>
      <header class="top">
        <button
          type="button"
          class="icon only-narrow"
          id="open-history"
          aria-label="Conversations"
          aria-expanded={drawer.value === 'history'}
          onClick={toggle('history')}
        >
          <Icon name="menu" />
        </button>
        <h1 class="wordmark">
          <Icon name="wind" /> mistral-webgpu
        </h1>
        <ModelBar />
        <button
          type="button"
          class="icon only-medium"
          id="open-panel"
          aria-label="Settings and numbers"
          aria-expanded={drawer.value === 'panel'}
          onClick={toggle('panel')}
        >
          <Icon name="sliders" />
        </button>
      </header>
      <History />
      <main class="middle">
        <div role="status">
          {updateReady.value && (
            <p class="note update">
              A new version of this page is ready.
              <button type="button" onClick={startUpdate}>
                Reload
              </button>
            </p>
          )}
        </div>
        {picking ? <ModelPicker /> : <Transcript />}
        {!picking && (isReady ? <Composer /> : <ModelStrip />)}
      </main>
      <SidePanel />
      {drawer.value !== undefined && <button type="button" class="veil" aria-label="Close" onClick={close} />}
      <DropTarget />
    </div>
  )
}
