/** Downloads a file: in a page by a worker, where one can be had, elsewhere here. */
import { platform } from '#platform'
import { AbortError, CheckpointError, MistralError } from '../../errors.ts'
import type { ModelStore } from '../../platform/store-types.ts'
import type { DownloadThread } from '../../platform/types.ts'
import { type Download, download } from './download.ts'
import type { FromWorker, ToWorker } from './worker.ts'

/** Smaller files come before a worker would have started. */
const SMALL_BYTES = 4 * 2 ** 20
/** A worker that has not begun by then is not waited for: some pages' policies stop it without a word. */
const START_MS = 10_000

/** A page whose bundle lacks the worker's file, or whose policy forbids it, does not try again. */
let hasWorkers = true

/** As {@link download}. */
export async function bring(
  store: ModelStore,
  job: Download,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const thread = job.key.size > SMALL_BYTES ? await startedThread() : undefined
  if (thread === undefined) return download(store, job, onBytes, signal)
  try {
    await inThread(thread, job, onBytes, signal)
  } finally {
    thread.terminate()
  }
}

async function startedThread(): Promise<DownloadThread | undefined> {
  const thread = await platform.beginDownload()
  if (thread === undefined || !hasWorkers) {
    thread?.terminate()
    return undefined
  }
  const isReady = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), START_MS)
    const end = (ready: boolean) => {
      clearTimeout(timer)
      resolve(ready)
    }
    thread.onmessage = () => end(true)
    thread.onerror = (event) => {
      event.preventDefault()
      end(false)
    }
  })
  if (isReady) return thread
  hasWorkers = false
  thread.terminate()
  return undefined
}

function inThread(
  thread: DownloadThread,
  job: Download,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const post = (message: ToWorker) => thread.postMessage(message)
  const abort = () => post({ abort: true })
  const result = new Promise<void>((resolve, reject) => {
    thread.onmessage = (event: MessageEvent<FromWorker>) => {
      const message = event.data
      if ('bytes' in message) onBytes(message.bytes)
      else if ('done' in message) resolve()
      else if ('error' in message) {
        reject(signal?.aborted ? new AbortError(signal.reason) : MistralError.fromJSON(message.error))
      }
    }
    thread.onerror = (event) => {
      event.preventDefault()
      reject(
        new CheckpointError({ file: job.key.path }, `the worker that downloads it failed: ${String(event.message)}`),
      )
    }
  })
  signal?.addEventListener('abort', abort)
  post({ job })
  if (signal?.aborted) abort()
  return result.finally(() => signal?.removeEventListener('abort', abort))
}
