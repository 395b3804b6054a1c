/** The service worker: forwards requests for `/v1/…` of this origin to a page that has the model, and streams its answers. */
import { forward } from './forward.ts'
import type { Notice, Question, ToWorker } from './messages.ts'
import { refusal } from './refusal.ts'
import type { Client, RequestEvent, ServiceWorkerScope } from './scope.ts'

const scope = self as unknown as ServiceWorkerScope

/** The page that asks answers itself if it can, so that no other tab's end cuts its answers. It may be busy. */
const ASKER_MS = 300
/** Other pages may be busy, or frozen by the browser; then they never answer. */
const OTHERS_MS = 2000
/** Pages that did not answer for themselves: they have no model, and are not waited for again. */
const strangers = new Set<string>()

// A new version takes over at once: it keeps nothing that an old page could miss.
scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()))
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()))
// Any message keeps the service worker alive; this one wants something.
scope.addEventListener('message', (event) => {
  if ((event.data as Notice) === 'take this page') event.waitUntil(scope.clients.claim())
})
scope.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url)
  if (origin === scope.location.origin && pathname.startsWith('/v1/')) event.respondWith(answer(event))
})

async function answer({ request, clientId }: RequestEvent): Promise<Response> {
  const body = request.method === 'GET' || request.method === 'HEAD' ? undefined : await request.arrayBuffer()
  const found = await findPage(clientId)
  if (found === undefined) {
    return refusal(503, 'no_page', 'no open page of this origin has a model; open the page that loads it')
  }
  const { url, method, headers } = request
  const isOpen = async (id: string) => (await scope.clients.get(id)) !== undefined
  const asker = { signal: request.signal, isOpen: () => isOpen(clientId) }
  return forward({ url, method, headers: [...headers], body }, asker, {
    port: found.port,
    isOpen: () => isOpen(found.id),
  })
}

interface Found {
  readonly id: string
  readonly port: MessagePort
}

/** A page that answers requests: the one that asks, or else the first that says so. */
async function findPage(asker: string): Promise<Found | undefined> {
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true })
  if (!strangers.has(asker)) {
    const asking = pages.filter(({ id }) => id === asker)
    const own = await firstToAgree(asking, ASKER_MS)
    if (own !== undefined) return own
    strangers.add(asker)
  }
  const found = await firstToAgree(pages, OTHERS_MS)
  // It was only slow to say so.
  if (found !== undefined) strangers.delete(found.id)
  return found
}

function firstToAgree(pages: readonly Client[], ms: number): Promise<Found | undefined> {
  if (pages.length === 0) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const asked = pages.map((page) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = ({ data }: MessageEvent<ToWorker>) => data.op === 'yes' && settle({ id: page.id, port: port1 })
      page.postMessage('do you answer requests?' satisfies Question, [port2])
      return port1
    })
    const timer = setTimeout(() => settle(undefined), ms)
    function settle(found: Found | undefined): void {
      clearTimeout(timer)
      for (const port of asked) if (port !== found?.port) port.close()
      resolve(found)
    }
  })
}
