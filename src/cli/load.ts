import { platform } from '#platform'
import { MistralChat } from '../chat/mistral-chat.ts'
import { type Cli, disabledFeatures, UsageError } from './context.ts'
import type { ModelOptions } from './options.ts'
import { progressBar } from './progress.ts'

/** The model that ships with the package. */
const EMBEDDED = 'models/pocket'

/** How many requests a loaded model works on, for servers. */
export interface BatchOptions {
  readonly maxSequences?: number
  readonly maxQueue?: number
}

/** Loads the model that the options name, with a progress bar where a person watches. */
export async function loadChat(
  cli: Cli,
  options: ModelOptions & BatchOptions,
  signal: AbortSignal,
): Promise<MistralChat> {
  const { model, ...loadOptions } = options
  const source = model ?? (await embeddedModel(cli))
  const bar = progressBar(cli)
  try {
    return await MistralChat.load(source, {
      ...loadOptions,
      disableFeatures: disabledFeatures(cli),
      signal,
      onProgress: (progress) => bar.update(progress),
    })
  } finally {
    bar.stop()
  }
}

async function embeddedModel(cli: Cli): Promise<string> {
  const folder = cli.packageFile(EMBEDDED)
  if ((await platform.pathKind(platform.joinPath(folder, 'config.json'))) === 'file') return folder
  throw new UsageError(
    'this copy of the package comes without its small model; pass --model with a folder, a .gguf file or a URL',
  )
}
