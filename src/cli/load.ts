/** Loads the model that the options name, with a progress bar where a person watches. */
import { platform } from '#platform'
import { MistralChat } from '../chat/mistral-chat.ts'
import { type Cli, disabledFeatures, note } from './context.ts'
import type { ModelOptions } from './options.ts'
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
  const { model, ...loadOptions } = options
  const chat = await loadWithBar(cli, model ?? 'pocket', loadOptions, signal)
  try {
    for (const text of chat.model.notes) await tell(text)
  } catch (error) {
    chat.dispose()
    throw error
  }
  return chat
}

async function loadWithBar(
  cli: Cli,
  source: string,
  { chatTemplate: template, ...options }: Omit<ModelOptions & BatchOptions, 'model'>,
  signal: AbortSignal,
): Promise<MistralChat> {
  const bar = progressBar(cli)
  try {
    return await MistralChat.load(source, {
      ...options,
      chatTemplate: template === undefined ? undefined : await sourceOf(template),
      disableFeatures: disabledFeatures(cli),
      signal,
      onProgress: (progress) => bar.update(progress),
    })
  } finally {
    bar.stop()
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
