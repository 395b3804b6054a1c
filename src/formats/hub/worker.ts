/**
 * The worker that downloads for a page, so that hashing and writing stand in nobody's way. It is a file of its own, in one piece:
 * a page whose policy is `script-src 'self'` may start it.
 */
import { platform } from '#platform'
import { MistralError } from '../../errors.ts'
import { messageOf } from '../byte-reader.ts'
import { type Download, download } from './download.ts'

/** What the page sends. */
export type ToWorker = { readonly job: Download } | { readonly abort: true }

/** What it gets: `ready` first, then bytes, then one of the others. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly bytes: number }
  | { readonly done: true }
  | { readonly error: ReturnType<MistralError['toJSON']> }

/** How often the page hears of bytes. */
const REPORT_MS = 50

const stop = new AbortController()

addEventListener('message', (event: MessageEvent<ToWorker>) => {
  if ('abort' in event.data) stop.abort()
  else void run(event.data.job)
})
send({ ready: true })

async function run(job: Download): Promise<void> {
  let last = Number.NEGATIVE_INFINITY
  const onBytes = (bytes: number) => {
    const now = performance.now()
    if (now - last < REPORT_MS && bytes < job.key.size) return
    last = now
    send({ bytes })
  }
  try {
    await download(await platform.openStore({}), job, onBytes, stop.signal)
    send({ done: true })
  } catch (error) {
    const ours = error instanceof MistralError ? error : new MistralError(messageOf(error))
    send({ error: ours.toJSON() })
  }
}

function send(message: FromWorker): void {
  postMessage(message)
}
