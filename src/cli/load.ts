/** Loads the model that the options name, with a progress bar where a person watches. */
import { platform } from '#platform'
import { MistralChat } from '../chat/mistral-chat.ts'
import { MistralModel } from '../generate/mistral-model.ts'
import type { LoadOptions } from '../generate/options.ts'
import type { LoadProgress } from '../model/loaded-model.ts'
import { type Cli, disabledFeatures, note } from './context.ts'
import type { ModelOptions, PlainModelOptions } from './options.ts'
import { progressBar } from './progress.ts'

/** How many requests a loaded model works on, for servers. */
export interface BatchOptions {
  readonly maxSequences?: number
  readonly maxQueue?: number
}

/**
 * Loads the model that the options name, with a progress bar where a person watches.
 * @param tell says what is odd about the checkpoint; by default on standard error
 */
export async function loadChat(
  cli: Cli,
  options: ModelOptions & BatchOptions,
  signal: AbortSignal,
  tell: (text: string) => void | Promise<void> = (text) => note(cli, `note: ${text}`),
): Promise<MistralChat> {
  const { model, chatTemplate: template, ...rest } = options
  const chat = await withBar(cli, rest, signal, async (load) => {
    const chatTemplate = template === undefined ? undefined : await sourceOf(template)
    return MistralChat.load(model ?? 'pocket', { ...load, chatTemplate })
  })
  await tellNotes(chat, chat.model, tell)
  return chat
}

/** As `loadChat`, without what only a chat needs: also a model without tokenizer. */
export async function loadModel(cli: Cli, options: PlainModelOptions, signal: AbortSignal): Promise<MistralModel> {
  const { model: source, ...rest } = options
  const model = await withBar(cli, rest, signal, (load) => MistralModel.load(source ?? 'pocket', load))
  await tellNotes(model, model, (text) => note(cli, `note: ${text}`))
  return model
}

async function withBar<T, O>(
  cli: Cli,
  options: O,
  signal: AbortSignal,
  load: (options: O & LoadOptions) => Promise<T>,
): Promise<T> {
  const bar = progressBar(cli)
  try {
    const onProgress = (progress: LoadProgress) => bar.update(progress)
    return await load({ ...options, disableFeatures: disabledFeatures(cli), signal, onProgress })
  } finally {
    bar.stop()
  }
}

async function tellNotes(
  owner: { dispose(): void },
  model: MistralModel,
  tell: (text: string) => void | Promise<void>,
): Promise<void> {
  try {
    for (const text of model.notes) await tell(text)
  } catch (error) {
    owner.dispose()
    throw error
  }
}

/** The text of a template's file. Throws `CheckpointError` when it cannot be read. */
async function sourceOf(path: string): Promise<string> {
  const file = await platform.openFile(path)
  try {
    return new TextDecoder().decode(await file.read(0, file.size))
  } finally {
    await file.close()
  }
}
