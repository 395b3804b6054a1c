/**
 * Keeps the page, its scripts and the embedded model, so that it works without a network. The build puts `BUILD` before this:
 * a digest of the whole, and that of each file. Names of scripts and of the model's folder have a digest in them too, so
 * that a page that still runs an older build never gets a file of this one in the place of its own.
 */
const PREFIX = `mistral-webgpu-page ${new URL('./', self.registration.scope).pathname} `
const { hash, files } = self.BUILD
const CACHE = PREFIX + hash

self.addEventListener('install', (event) => event.waitUntil(keepPage()))
self.addEventListener('activate', (event) => {
  // The page that has asked for this version loads anew now: it is one that does not count.
  event.waitUntil(self.clients.claim().then(() => dropOld(1)))
})
self.addEventListener('message', ({ data }) => {
  if (data === 'start') void self.skipWaiting()
})
self.addEventListener('fetch', (event) => {
  const { request } = event
  const own = new URL(request.url).pathname.startsWith(new URL('./', self.registration.scope).pathname)
  if (request.method !== 'GET' || !request.url.startsWith(location.origin) || !own) return
  event.respondWith(answer(request))
  if (request.mode === 'navigate') event.waitUntil(dropOld(0))
})

/** All files or none: each is compared with its digest, since a server may be between two builds. */
async function keepPage() {
  const cache = await caches.open(CACHE)
  // Past the browser's own cache, which may hold parts of the model only.
  const requests = Object.entries(files).map(
    ([file, digest]) => new Request(file, { cache: 'reload', integrity: `sha256-${digest}` }),
  )
  await cache.addAll(requests)
}

/** Other builds go as soon as no page runs that may be of them: no more than `most` pages are open. */
async function dropOld(most) {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  if (open.length > most) return
  for (const name of await caches.keys()) {
    // One that is on its way drops this build when its turn has come.
    if (self.registration.installing !== null || self.registration.waiting !== null) return
    if (name !== CACHE && (name.startsWith(PREFIX) || name === 'mistral-webgpu-page-1')) await caches.delete(name)
  }
}

/** What is kept first: of this build, else of an older one that a page still runs, else what the server has. */
async function answer(request) {
  // The page has many addresses: its folder's, its own, and those with a question in them.
  const kept = await find(request.mode === 'navigate' && isPage(request) ? './index.html' : request)
  if (kept !== undefined) return ranged(request, kept)
  try {
    return await fetch(request)
  } catch {
    // All that this site has is kept: what is not, such as files that a model may have, it does not have.
    return new Response(null, { status: 404 })
  }
}

function isPage({ url }) {
  return ['./', './index.html'].some(
    (path) => new URL(path, self.registration.scope).pathname === new URL(url).pathname,
  )
}

async function find(request) {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE)
  for (const name of [CACHE, ...names]) {
    const found = await (await caches.open(name)).match(request)
    if (found !== undefined) return found
  }
  return undefined
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
