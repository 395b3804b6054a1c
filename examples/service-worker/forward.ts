/** One request on its way through the service worker: the answer comes in messages and leaves as a stream. */
import type { SentRequest, ToPage, ToWorker } from './messages.ts'
import { refusal } from './refusal.ts'

/** Nobody is told that a page was closed, or crashed: so it is looked for. */
const LOOK_MS = 1000

export interface Asker {
  readonly signal: AbortSignal
  isOpen(): Promise<boolean>
}

export interface Page {
  readonly port: MessagePort
  isOpen(): Promise<boolean>
}

export function forward(request: SentRequest, { signal, ...asker }: Asker, page: Page): Promise<Response> {
  return new Promise((resolve) => {
    const say = (message: ToPage) => page.port.postMessage(message)
    let body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined
    let pulled = () => {}
    const end = () => {
      clearInterval(looking)
      signal.removeEventListener('abort', cancel)
      page.port.close()
      pulled()
    }
    const cancel = () => {
      say({ op: 'cancel' })
      end()
      // Nobody reads it, but the browser waits for a response.
      resolve(Response.error())
    }
    const fail = (message: string) => {
      end()
      // Behind its head an answer can only be cut, so that nobody takes it for whole.
      if (body === undefined) resolve(refusal(502, 'page_failed', message))
      else body.error(new Error(message))
    }
    const looking = setInterval(async () => {
      if (!(await page.isOpen())) fail('the page that has the model was closed')
      else if (!(await asker.isOpen())) cancel()
    }, LOOK_MS)
    const source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
      start: (controller) => {
        body = controller
      },
      pull: () => {
        say({ op: 'pull' })
        return new Promise((resolve) => {
          pulled = resolve
        })
      },
      cancel,
    }
    page.port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
      if (data.op === 'head') {
        const { status, hasBody } = data
        const headers = data.headers.map(([name, value]): [string, string] => [name, value])
        // Nothing is read ahead here: the page has its own measure.
        const stream = hasBody ? new ReadableStream(source, { highWaterMark: 0 }) : null
        resolve(new Response(stream, { status, headers }))
      } else if (data.op === 'chunk') {
        body?.enqueue(data.bytes)
        pulled()
      } else if (data.op === 'end') {
        body?.close()
        end()
      } else if (data.op === 'failed') fail(data.message)
    }
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    else say({ op: 'request', request })
  })
}
