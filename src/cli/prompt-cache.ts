/** `--prompt-cache FILE`: keys and values of a prompt are kept from run to run. */
import { platform } from '#platform'
import type { MistralChat } from '../chat/mistral-chat.ts'
import type { PromptRequest } from '../chat/request.ts'
import { ContextLengthError, SavedCacheError } from '../errors.ts'
import { type Cli, note } from './context.ts'

/** Restores what the file holds, if it is there and of this model; says so where it is not. */
export async function restorePrompt(cli: Cli, chat: MistralChat, path: string, signal: AbortSignal): Promise<void> {
  if ((await platform.pathKind(path)) === undefined) return
  const file = await platform.openFile(path)
  try {
    let at = 0
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const length = Math.min(4 << 20, file.size - at)
        if (length === 0) return controller.close()
        controller.enqueue(await file.read(at, length))
        at += length
      },
    })
    await chat.restoreCache(stream, { signal })
  } catch (error) {
    if (!(error instanceof SavedCacheError || error instanceof ContextLengthError)) throw error
    // What cannot be used is computed; the file is written anew.
    await note(cli, `note: ${path} is not used: ${error instanceof SavedCacheError ? error.fact : error.message}`)
  } finally {
    await file.close()
  }
}

/** Keeps the prompt of a request, in the place of what the file held. */
export async function savePrompt(
  chat: MistralChat,
  path: string,
  request: PromptRequest & { readonly adapter?: string | null | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { adapter, messages, prompt } = request
  const saved = await chat.saveCache({ messages, prompt }, { adapter, signal })
  const disk = await platform.openDisk()
  const temporary = `${path}.part`
  const writer = await disk.createFile(temporary)
  let keep = false
  try {
    for await (const bytes of saved.stream() as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>)
      await writer.write(bytes)
    keep = true
  } finally {
    await writer.close({ keep })
    if (!keep) await disk.removeFile(temporary)
  }
  await disk.rename(temporary, path)
}
