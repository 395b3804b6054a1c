/** The model that is loaded, or on its way. The engine runs in a worker. */
import { signal } from '@preact/signals'
import { AbortError, type LoadProgress, type ModelSource, type ModelStatus } from 'mistral-webgpu'
import { MistralChat } from 'mistral-webgpu/worker'

export interface NamedSource {
  readonly source: ModelSource
  readonly name: string
}

/** The embedded model: it lies beside the page. */
export const POCKET: NamedSource = { source: new URL('./pocket', location.href).href, name: 'pocket' }

export interface Loading extends LoadProgress {
  readonly name: string
  /** Bytes per second, over the last seconds; undefined before there is anything to tell. */
  readonly speed: number | undefined
}

export interface Loaded {
  readonly chat: MistralChat
  readonly name: string
  readonly status: ModelStatus
  /** A checkpoint without a chat template is no chat model: it continues texts. */
  readonly raw: boolean
}

export const loading = signal<Loading | undefined>(undefined)
export const loaded = signal<Loaded | undefined>(undefined)
export const loadError = signal<string | undefined>(undefined)

let controller: AbortController | undefined

/** Loads a model in place of the one there is. What goes wrong is in {@link loadError}. */
export async function loadModel({ source, name }: NamedSource): Promise<void> {
  cancelLoading()
  await unload()
  const own = new AbortController()
  controller = own
  loadError.value = undefined
  const speed = new Speed()
  loading.value = { name, phase: 'open', loaded: 0, total: 0, tensor: undefined, speed: undefined }
  const onProgress = (progress: LoadProgress) => {
    if (controller === own) loading.value = { ...progress, name, speed: speed.of(progress.loaded) }
  }
  try {
    const chat = await MistralChat.load(source, { signal: own.signal, onProgress, contextLength: undefined })
    if (controller !== own) return void chat.dispose()
    loaded.value = { chat, name, status: await chat.status(), raw: chat.templateOrigin === 'built-in' }
  } catch (error) {
    if (controller === own && !(error instanceof AbortError)) loadError.value = (error as Error).message
  } finally {
    if (controller === own) loading.value = undefined
  }
}

/** Whether there is a model once `work` is over. */
export async function whenReady(work: Promise<void>): Promise<boolean> {
  await work
  return loaded.value !== undefined
}

export function cancelLoading(): void {
  controller?.abort()
  controller = undefined
  loading.value = undefined
}

export async function unload(): Promise<void> {
  const before = loaded.value
  loaded.value = undefined
  await before?.chat.dispose()
}

/** The speed of a download over its last three seconds. */
class Speed {
  private readonly samples: { at: number; bytes: number }[] = []

  of(bytes: number): number | undefined {
    const at = performance.now()
    this.samples.push({ at, bytes })
    while (this.samples.length > 2 && at - this.samples[0]!.at > 3000) this.samples.shift()
    const first = this.samples[0]!
    return at - first.at < 200 ? undefined : (1000 * (bytes - first.bytes)) / (at - first.at)
  }
}
