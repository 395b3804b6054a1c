/** The model that is loaded, or on its way. The engine runs in a worker. */
import { signal } from '@preact/signals'
import {
  AbortError,
  type CachedModel,
  type LoadProgress,
  listCached,
  type ModelSource,
  type ModelStatus,
  removeCached,
} from 'mistral-webgpu'
import { MistralChat } from 'mistral-webgpu/worker'

export interface NamedSource {
  readonly source: ModelSource
  readonly name: string
}

/** The embedded model: it lies beside the page. */
export const POCKET: NamedSource = { source: new URL('./pocket', location.href).href, name: 'pocket' }

export type Loading = Partial<LoadProgress> &
  Pick<LoadProgress, 'phase' | 'loaded' | 'total'> & {
    readonly name: string
  }

export interface Loaded {
  readonly chat: MistralChat
  readonly name: string
  readonly status: ModelStatus
  /** A checkpoint without a chat template is no chat model: it continues texts. */
  readonly raw: boolean
}

/** Open tabs of this page that use the model, this one among them. */
export const tabs = signal(1)
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
  loading.value = { name, phase: 'open', loaded: 0, total: 0 }
  const onProgress = (progress: LoadProgress) => {
    if (controller === own) loading.value = { ...progress, name }
  }
  try {
    // A file has no name that another tab could know it by.
    const shared = typeof source === 'string' && 'locks' in navigator
    const onTabs = (count: number) => {
      if (controller === own) tabs.value = count
    }
    tabs.value = 1
    const chat = await MistralChat.load(source, { signal: own.signal, onProgress, shared, onTabs })
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

/** Models in this browser's cache; empty where it keeps none. */
export const cached = signal<readonly CachedModel[]>([])

export async function lookAtCache(): Promise<void> {
  cached.value = await listCached().catch(() => [])
}

export async function forget({ repository, commit }: CachedModel): Promise<void> {
  await removeCached(`${repository}@${commit}`)
  await lookAtCache()
}
