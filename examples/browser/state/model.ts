/** The model that is loaded, or on its way. The engine runs in a worker. */
import { signal } from '@preact/signals'
import {
  AbortError,
  type CachedModel,
  type LoadProgress,
  listCached,
  type ModelSource,
  type ModelStatus,
  plan,
  removeCached,
} from 'mistral-webgpu'
import { MistralChat } from 'mistral-webgpu/worker'
import { problemOf } from './fitting.ts'

export interface NamedSource {
  readonly source: ModelSource
  readonly name: string
  /** Answers that are written at once; others wait. Default 1, since each takes memory of the GPU. */
  readonly maxSequences?: number
}

/** The embedded model lies beside the page, under a name that is another where its files are others. */
export const POCKET: NamedSource = {
  source: new URL(import.meta.env.POCKET, location.href).href,
  name: 'pocket',
  maxSequences: 3,
}

/** `owner/name` with a revision, a type or a file behind it. Two words of which the second is a file are an address. */
const HUB_NAME = /^\w[\w.-]*\/\w[\w.-]*(?:@[^:\s]+)?(?::\S+|\/[^/\s]+\.gguf)?$/

/** A model of the Hub by its name, which the page's own server is not asked for first. */
export function hubModel(name: string, title = name): NamedSource {
  return { source: `hf:${name}`, name: title }
}

/**
 * A model that a visitor names. What is relative to the page is made an address here, since the worker has another.
 */
export function modelNamed(text: string): NamedSource {
  const isHub = HUB_NAME.test(text) && !/^[^/]*\/[^/:@]*\.(?:gguf|safetensors|json)$/i.test(text)
  if (isHub) return hubModel(text)
  const isAddress = /^(?:[a-z]+:|\.{0,2}\/)|\/$|\.(?:gguf|safetensors|json)$/i.test(text)
  return {
    source: isAddress && URL.canParse(text, location.href) ? new URL(text, location.href).href : text,
    name: text,
  }
}

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

/**
 * Loads a model in place of the one there is, which stays where it can be told beforehand that the other cannot be loaded.
 * What goes wrong is in {@link loadError}.
 * @returns whether the model is there
 */
export async function loadModel(named: NamedSource): Promise<boolean> {
  cancelLoading()
  const own = new AbortController()
  const { signal } = own
  const { name } = named
  controller = own
  loadError.value = undefined
  loading.value = { name, phase: 'open', loaded: 0, total: 0 }
  const onProgress = (progress: LoadProgress) => {
    if (controller === own) loading.value = { ...progress, name }
  }
  const onTabs = (count: number) => {
    if (controller === own) tabs.value = count
  }
  try {
    if (loaded.value !== undefined) await refuseUnfit(named, signal)
    await unload()
    if (controller !== own) return false
    tabs.value = 1
    const chat = await MistralChat.load(named.source, { ...optionsOf(named), signal, onProgress, onTabs })
    const status = await chat.status()
    if (controller === own) loaded.value = { chat, name, status, raw: chat.templateOrigin === 'built-in' }
    else void chat.dispose()
    return controller === own
  } catch (error) {
    if (controller === own && !(error instanceof AbortError)) loadError.value = (error as Error).message
    return false
  } finally {
    if (controller === own) loading.value = undefined
  }
}

function optionsOf({ source, maxSequences = 1 }: NamedSource): { shared: boolean; maxSequences: number } {
  // A file has no name that another tab could know it by.
  return { shared: typeof source === 'string' && 'locks' in navigator, maxSequences }
}

/** Reads the headers. Throws what is wrong with them, or why the model does not fit this GPU. */
async function refuseUnfit({ source, maxSequences = 1 }: NamedSource, signal: AbortSignal): Promise<void> {
  const planned = await plan(source, { signal, maxSequences })
  if (!planned.fits) throw new Error(problemOf(planned))
}

/** Whether there is a model once `work` is over. */
export async function whenReady(work: Promise<unknown>): Promise<boolean> {
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
