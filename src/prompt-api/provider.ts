/** Where the Prompt API's model comes from: pages say it once, before they create sessions. */
import type { ChatModel } from '../chat/chat-model.ts'
import { type ChatLoadOptions, MistralChat } from '../chat/mistral-chat.ts'
import type { ModelSource } from '../formats/source.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import { notSupported } from './errors.ts'
import type { Availability } from './options.ts'

/** A loaded model, or one that is loaded when the first session is created. */
export type ProvidedModel =
  | ChatModel
  | {
      /** As for `MistralChat.load`. */
      readonly source: ModelSource
      readonly options?: ChatLoadOptions | undefined
    }

let provided: Provider | undefined

/**
 * Says which model `LanguageModel` is. It takes the place of the one before, which is not disposed: sessions may still
 * have it.
 */
export function provideModel(model: ProvidedModel): void {
  provided = new Provider(model)
}

/** Takes the model away, and disposes it where it was loaded here. Its sessions fail from then on. */
export async function releaseModel(): Promise<void> {
  const leaving = provided
  provided = undefined
  await leaving?.dispose()
}

export function currentProvider(): Provider | undefined {
  return provided
}

export class Provider {
  private chat: ChatModel | undefined
  private loading: Promise<ChatModel> | undefined
  private readonly watchers = new Set<(fraction: number) => void>()

  constructor(private readonly model: ProvidedModel) {
    if ('generate' in model) this.chat = model
  }

  get availability(): Availability {
    if (this.chat !== undefined) return this.chat.failure === undefined ? 'available' : 'unavailable'
    return this.loading === undefined ? 'downloadable' : 'downloading'
  }

  /** undefined until it is loaded. */
  get loaded(): ChatModel | undefined {
    return this.chat
  }

  /**
   * The model, loaded by the first call. One load serves all callers, so that no caller's leaving ends it.
   * @param onProgress gets the fraction of the weights that has come
   */
  async load(onProgress: (fraction: number) => void): Promise<ChatModel> {
    if (this.chat !== undefined) {
      if (this.chat.failure !== undefined) throw notSupported(this.chat.failure.message, this.chat.failure)
      return this.chat
    }
    this.watchers.add(onProgress)
    try {
      this.loading ??= this.start()
      return await this.loading
    } finally {
      this.watchers.delete(onProgress)
    }
  }

  private async start(): Promise<ChatModel> {
    const { source, options = {} } = this.model as Exclude<ProvidedModel, ChatModel>
    try {
      const fractionOf = fractions()
      this.chat = await MistralChat.load(source, {
        ...options,
        onProgress: (progress) => {
          options.onProgress?.(progress)
          const fraction = fractionOf(progress)
          // The end is told when the model is there.
          if (fraction !== undefined) for (const watch of this.watchers) watch(Math.min(fraction, 0.999))
        },
      })
      return this.chat
    } catch (error) {
      // The next session tries again.
      this.loading = undefined
      throw error
    }
  }

  async dispose(): Promise<void> {
    if ('generate' in this.model) return
    const chat = await this.loading?.catch(() => undefined)
    await chat?.dispose()
  }
}

/** How much of a load is a download, where there is one. */
const DOWNLOAD_SHARE = 0.9

/** One fraction for all phases: where weights are downloaded, that is nearly all of it. */
function fractions(): (progress: LoadProgress) => number | undefined {
  let before = 0
  return ({ phase, loaded, total, file }) => {
    if (total === 0) return undefined
    if (phase !== 'download') return before + (1 - before) * (loaded / total)
    // Configs and tokenizers come first, and are no measure of what is to come.
    if (!/\.(?:gguf|safetensors)$/i.test(file ?? '')) return undefined
    before = DOWNLOAD_SHARE
    return DOWNLOAD_SHARE * (loaded / total)
  }
}
