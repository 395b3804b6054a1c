/** Which model: what is loaded, what is on its way, and what else there is. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { droppedFiles } from '../state/dropped-files.ts'
import { bytes } from '../state/format.ts'
import {
  cached,
  forget,
  hubModel,
  loadError,
  loaded,
  loading,
  loadModel,
  lookAtCache,
  modelNamed,
  type NamedSource,
  POCKET,
  tabs,
} from '../state/model.ts'
import { choosing } from './app.tsx'
import { Icon } from './icon.tsx'
import { KnownModels } from './known-models.tsx'
import { Progress } from './progress.tsx'

async function pick(named: NamedSource): Promise<void> {
  choosing.value = !(await loadModel(named))
  if (choosing.value) return
  // A reload finds the same model again; files are not to be had a second time without the visitor.
  const address = new URL(location.href)
  if (typeof named.source === 'string' && named !== POCKET) address.searchParams.set('model', named.source)
  else address.searchParams.delete('model')
  history.replaceState(null, '', address)
}

/** One line above the conversation: the model, or how far it is. */
export function ModelBar() {
  const { value: model } = loaded
  if (loading.value !== undefined || model === undefined) return <div class="model-bar" />
  const { contextLength, gpuBytes } = model.status
  return (
    <div class="model-bar">
      <button
        type="button"
        class="model-name"
        id="change-model"
        title="Change the model"
        onClick={() => (choosing.value = !choosing.value)}
      >
        <span id="model-name">{model.name}</span>
        <small>
          {bytes(gpuBytes)}
          <span class="not-narrow"> on the GPU</span> · {contextLength.toLocaleString()} tokens
          <span class="not-narrow"> of context</span>
          {tabs.value > 1 && ` · shared by ${tabs.value} tabs`}
        </small>
      </button>
    </div>
  )
}

export function ModelPicker() {
  if (loading.value !== undefined) return <Progress {...loading.value} />
  return (
    <section class="picker" aria-labelledby="picker-title">
      <div class="picker-head">
        <h2 id="picker-title">Choose a model</h2>
        {loaded.value !== undefined && (
          <button type="button" onClick={() => (choosing.value = false)}>
            Keep {loaded.value.name}
          </button>
        )}
      </div>
      {loadError.value !== undefined && (
        <p class="notice" role="alert" id="error">
          {loadError.value}
        </p>
      )}
      <div class="ways">
        <button type="button" class="way" onClick={() => void pick(POCKET)}>
          <strong>pocket</strong>
          <small>The embedded model: 7 MB, small talk about winds. It answers at once.</small>
          <span class="row" aria-hidden="true">
            <span class="button">Load</span>
          </span>
        </button>
        <FileInputs />
        <AddressForm />
      </div>
      <CachedModels />
      <KnownModels pick={(source) => void pick(source)} />
    </section>
  )
}

function CachedModels() {
  useEffect(() => void lookAtCache(), [])
  if (cached.value.length === 0) return null
  return (
    <div class="known">
      <h3>In this browser</h3>
      <ul>
        {cached.value.map((model) => (
          <li key={`${model.repository}@${model.commit}`} class="cached">
            <button
              type="button"
              class="way"
              onClick={() => void pick(hubModel(`${model.repository}@${model.commit}`, model.repository))}
            >
              <strong>{model.repository}</strong>
              <small>{bytes(model.bytes)}, loads without a network</small>
            </button>
            <button
              type="button"
              class="icon small"
              aria-label={`Delete ${model.repository}`}
              onClick={() => void forget(model)}
            >
              <Icon name="bin" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

function FileInputs() {
  const take = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement
    const files = [...(input.files ?? [])]
    // Else choosing the same file again would be no change.
    input.value = ''
    if (files.length > 0) void pick({ source: files, name: nameOf(files) })
  }
  return (
    <div class="way">
      <strong>A file of yours</strong>
      <small>
        A .gguf, or the files or the folder of a safetensors checkpoint. Dropping them anywhere does the same.
      </small>
      <span class="row">
        <input
          id="files"
          class="hidden-input"
          type="file"
          multiple
          accept=".gguf,.safetensors,.json,.model"
          onChange={take}
        />
        <label class="button" for="files">
          Choose files
        </label>
        <input id="folder" class="hidden-input" type="file" {...{ webkitdirectory: true }} onChange={take} />
        <label class="button" for="folder">
          Choose a folder
        </label>
      </span>
    </div>
  )
}

function AddressForm() {
  const submit = (event: Event) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement).get('address')
    const text = String(given ?? '').trim()
    if (text !== '') void pick(modelNamed(text))
  }
  return (
    <form class="way" onSubmit={submit}>
      <label for="address">
        <strong>A name or an address</strong>
      </label>
      <small>A name on Hugging Face (owner/model, owner/model:Q4_K_M), or the address of a .gguf or a folder.</small>
      <span class="row">
        <input
          id="address"
          name="address"
          type="text"
          inputMode="url"
          spellcheck={false}
          autocomplete="off"
          placeholder="mistralai/…"
        />
        <button type="submit">Load</button>
      </span>
    </form>
  )
}

/** In the place where the visitor writes, while there is no model. */
export function ModelStrip() {
  if (loading.value !== undefined) return <Progress {...loading.value} />
  return (
    <div class="composer">
      <p class="note" role="status">
        {loadError.value ?? 'No model is loaded.'}
        <button type="button" onClick={() => (choosing.value = true)}>
          Choose a model
        </button>
      </p>
    </div>
  )
}

const over = signal(false)

/** A drop anywhere on the page counts; the browser would otherwise leave the page to open the file. */
export function DropTarget() {
  useEffect(() => {
    const listeners: [string, (event: DragEvent) => void][] = [
      ['dragover', hover],
      ['dragleave', ({ relatedTarget }) => relatedTarget === null && hide()],
      ['drop', (event) => void takeDrop(event)],
    ]
    for (const [type, listener] of listeners) document.addEventListener(type, listener as EventListener)
    return () => {
      for (const [type, listener] of listeners) document.removeEventListener(type, listener as EventListener)
    }
  }, [])
  return over.value ? <div class="drop-here">Drop a .gguf, or the files or folder of a checkpoint</div> : null
}

function hide(): void {
  over.value = false
}

function hover(event: DragEvent): void {
  event.preventDefault()
  over.value = true
}

async function takeDrop(event: DragEvent): Promise<void> {
  event.preventDefault()
  over.value = false
  if (event.dataTransfer === null) return
  try {
    const files = await droppedFiles(event.dataTransfer)
    if (files.length > 0) await pick({ source: files, name: nameOf(files) })
  } catch (error) {
    loadError.value = (error as Error).message
  }
}

function nameOf(files: readonly File[]): string {
  const first = files[0]
  if (files.length === 1 && first !== undefined) return first.name
  return first?.webkitRelativePath.split('/')[0] || `${files.length} files`
}
