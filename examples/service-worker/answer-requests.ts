/** The page's side: answers the requests that the service worker forwards. */
import type { Notice, Question, SentRequest, ToPage, ToWorker } from './messages.ts'

/** Browsers end a service worker that heard nothing for half a minute. */
const AWAKE_MS = 10_000

/** @param fetch answers a request, such as the `fetch` of `createApp(chat)` */
export function answerRequests(fetch: (request: Request) => Response | Promise<Response>): void {
  navigator.serviceWorker.addEventListener('message', ({ data, ports: [port] }) => {
    const question: Question = 'do you answer requests?'
    if (data !== question || port === undefined) return
    const say = (message: ToWorker) => port.postMessage(message)
    const cancelling = new AbortController()
    let body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
    let awake: ReturnType<typeof setInterval> | undefined
    const end = (message: ToWorker) => {
      clearInterval(awake)
      say(message)
    }
    const listen = async (message: ToPage) => {
      if (message.op === 'request') {
        awake = setInterval(stayAwake, AWAKE_MS)
        const response = await fetch(asRequest(message.request, cancelling.signal))
        body = response.body?.getReader()
        say({ op: 'head', status: response.status, headers: [...response.headers], hasBody: body !== undefined })
        if (body === undefined) end({ op: 'end' })
      } else if (message.op === 'pull') {
        const { done, value } = await body!.read()
        if (done) end({ op: 'end' })
        else say({ op: 'chunk', bytes: value })
      } else {
        clearInterval(awake)
        cancelling.abort()
        await body?.cancel()
      }
    }
    port.onmessage = ({ data }: MessageEvent<ToPage>) => {
      listen(data).catch((error: unknown) => end({ op: 'failed', message: String(error) }))
    }
    say({ op: 'yes' })
  })
  // Messages wait until the document is parsed otherwise.
  navigator.serviceWorker.startMessages()
}

function asRequest({ url, method, headers, body }: SentRequest, signal: AbortSignal): Request {
  return new Request(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body: body ?? null,
    signal,
  })
}

async function stayAwake(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration()
  registration?.active?.postMessage('an answer is on its way' satisfies Notice)
}
