/** Keeps the page, its scripts and the embedded model, so that it works without a network. */
const CACHE = 'mistral-webgpu-page-1'

self.addEventListener('install', (event) => {
  event.waitUntil(keepPage().then(() => self.skipWaiting()))
})
self.addEventListener('activate', (event) => {
  event.waitUntil(dropOld().then(() => self.clients.claim()))
})
self.addEventListener('fetch', (event) => {
  const { request } = event
  const own = new URL(request.url).pathname.startsWith(new URL('./', self.registration.scope).pathname)
  if (request.method === 'GET' && request.url.startsWith(location.origin) && own) event.respondWith(answer(request))
})

/** The list of the page's files is written by the build. */
async function keepPage() {
  const files = await (await fetch('./files.json')).json()
  const cache = await caches.open(CACHE)
  // Past the browser's own cache, which may hold parts of the model only.
  await cache.addAll(files.map((file) => new Request(file, { cache: 'reload' })))
}

async function dropOld() {
  for (const name of await caches.keys())
    if (name !== CACHE && name.startsWith('mistral-webgpu-page')) await caches.delete(name)
}

/** The network first for the page itself, so that a new version is seen; what is kept first for all else. */
async function answer(request) {
  const cache = await caches.open(CACHE)
  // The page has many addresses: its folder's, its own, and those with a question in them.
  const kept = await cache.match(request.mode === 'navigate' ? './index.html' : request)
  if (request.mode === 'navigate' || kept === undefined) {
    try {
      return await fetch(request)
    } catch {
      // All that this site has is kept: what is not, such as files that a model may have, it does not have.
      if (kept === undefined) return new Response(null, { status: 404 })
    }
  }
  return ranged(request, kept)
}

/** Weights are read by ranges, which a cache does not cut out by itself. */
async function ranged(request, kept) {
  const asked = /^bytes=(\d+)-(\d+)?$/.exec(request.headers.get('range') ?? '')
  if (asked === null) return kept
  const whole = await kept.blob()
  const start = Number(asked[1])
  const end = Math.min(asked[2] === undefined ? whole.size - 1 : Number(asked[2]), whole.size - 1)
  const headers = { 'content-range': `bytes ${start}-${end}/${whole.size}`, 'content-length': String(end - start + 1) }
  return new Response(whole.slice(start, end + 1), { status: 206, headers })
}
