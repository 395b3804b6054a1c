import { AbortError, type LoadProgress, MistralChat, type ModelSource } from 'mistral-webgpu'
import { droppedFiles } from './dropped-files.ts'
import { clearError, page, showError } from './page.ts'

const PHASES: Record<LoadProgress['phase'], string> = {
  open: 'Reading the headers',
  download: 'Downloading',
  weights: 'Bringing the weights to the GPU',
  compile: 'Compiling the shaders',
  ready: 'Ready',
}

/** Calls `onChat` with every model that the visitor picks, drops or names. */
export function watchSources(onChat: (chat: MistralChat, name: string) => void): void {
  const load = (source: ModelSource, name: string) => loadModel(source, name, onChat)
  for (const input of [page.files, page.folder]) {
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])]
      // Else choosing the same file again would be no change.
      input.value = ''
      if (files.length > 0) void load(files, nameOf(files))
    })
  }
  page.urlForm.addEventListener('submit', (event) => {
    event.preventDefault()
    const url = page.url.value.trim()
    if (url !== '') void load(url, url)
  })
  watchDrops((files) => void load(files, nameOf(files)))
}

/** A drop anywhere on the page counts; the browser would otherwise leave the page to open the file. */
function watchDrops(onFiles: (files: File[]) => void): void {
  const mark = (over: boolean) => page.drop.classList.toggle('over', over)
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
    mark(true)
  })
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false)
  })
  document.addEventListener('drop', async (event) => {
    event.preventDefault()
    mark(false)
    if (page.source.hidden || event.dataTransfer === null) return
    try {
      const files = await droppedFiles(event.dataTransfer)
      if (files.length > 0) onFiles(files)
    } catch (error) {
      showError(error)
    }
  })
}

async function loadModel(
  source: ModelSource,
  name: string,
  onChat: (chat: MistralChat, name: string) => void,
): Promise<void> {
  clearError()
  page.source.hidden = true
  page.loading.hidden = false
  showProgress({ phase: 'open', loaded: 0, total: 0 })
  const controller = new AbortController()
  page.cancel.onclick = () => controller.abort()
  try {
    onChat(await MistralChat.load(source, { signal: controller.signal, onProgress: showProgress }), name)
  } catch (error) {
    page.source.hidden = false
    if (!(error instanceof AbortError)) showError(error)
  } finally {
    page.loading.hidden = true
  }
}

type Shown = Pick<LoadProgress, 'phase' | 'loaded' | 'total'> & Partial<LoadProgress>

function showProgress({ phase, loaded, total, tensor, file, bytesPerSecond, secondsLeft }: Shown): void {
  if (page.phase.textContent !== PHASES[phase]) page.phase.textContent = PHASES[phase]
  // Without a value the bar runs to and fro: there is something to wait for, but no amount.
  if ((phase === 'weights' || phase === 'download') && total > 0) page.bar.value = loaded / total
  else page.bar.removeAttribute('value')
  const speed = bytesPerSecond === undefined ? '' : `, ${megabytes(bytesPerSecond)}/s`
  const left = secondsLeft === undefined ? '' : `, ${Math.ceil(secondsLeft)} s left`
  page.bytes.textContent = total > 0 ? `${megabytes(loaded)} of ${megabytes(total)}${speed}${left}` : ''
  page.tensor.textContent = tensor ?? file ?? ''
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`
}

function nameOf(files: readonly File[]): string {
  const first = files[0]
  if (files.length === 1 && first !== undefined) return first.name
  return first?.webkitRelativePath.split('/')[0] || `${files.length} files`
}
