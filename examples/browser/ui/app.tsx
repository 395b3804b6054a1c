/** The page: conversations on the left, the one at hand in the middle, what makes and measures answers on the right. */
import { signal } from '@preact/signals'
import { removed, restore } from '../state/history.ts'
import { loaded, loading } from '../state/model.ts'
import { trouble } from '../state/trouble.ts'
import { startUpdate, updateReady } from '../state/updates.ts'
import { Composer } from './composer.tsx'
import { History } from './history.tsx'
import { Icon } from './icon.tsx'
import { DropTarget, ModelBar, ModelPicker } from './model-picker.tsx'
import { NoWebGpu } from './no-webgpu.tsx'
import { SidePanel } from './side-panel.tsx'
import { Transcript } from './transcript.tsx'

/** Which of the side columns is open where the screen has no room for all. */
export const drawer = signal<'history' | 'panel' | undefined>(undefined)
/** The visitor chooses another model. */
export const choosing = signal(false)

const toggle = (name: 'history' | 'panel') => () => {
  drawer.value = drawer.value === name ? undefined : name
}

export function App() {
  if (trouble.value !== undefined) return <NoWebGpu trouble={trouble.value} />
  const picking = choosing.value || loaded.value === undefined || loading.value !== undefined
  return (
    <div class="frame" data-drawer={drawer.value ?? ''}>
      <a class="skip" href="#prompt">
        To the message
      </a>
      <header class="top">
        <button
          type="button"
          class="icon only-narrow"
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
          aria-label="Settings and numbers"
          aria-expanded={drawer.value === 'panel'}
          onClick={toggle('panel')}
        >
          <Icon name="sliders" />
        </button>
      </header>
      <History />
      <main class="middle">
        {picking ? <ModelPicker /> : <Transcript />}
        {!picking && <Composer />}
      </main>
      <SidePanel />
      {drawer.value !== undefined && (
        <button type="button" class="veil" aria-label="Close" onClick={() => (drawer.value = undefined)} />
      )}
      <Notes />
      <DropTarget />
    </div>
  )
}

/** What the visitor may want to know, and need not: at the edge, with one thing to do about it. */
function Notes() {
  return (
    <div class="notes" role="status">
      {removed.value !== undefined && (
        <p class="note">
          <span>
            Deleted: <q>{removed.value.title}</q>
          </span>
          <button type="button" onClick={() => void restore()}>
            Undo
          </button>
        </p>
      )}
      {updateReady.value && (
        <p class="note update">
          <span>A new version of this page is ready.</span>
          <button type="button" onClick={startUpdate}>
            Reload
          </button>
        </p>
      )}
    </div>
  )
}
