/** New versions of this page: its service worker keeps them, and the visitor says when one takes the place of this. */
import { signal } from '@preact/signals'

/** A new version is kept, and starts with the next load. */
export const updateReady = signal(false)

const HOUR = 3_600_000
let registration: ServiceWorkerRegistration | undefined

export async function keepPage(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  // Without one before, what takes over is the first, and no news.
  let before = serviceWorker.controller
  try {
    registration = await serviceWorker.register('./sw.js')
  } catch {
    // A browser that keeps nothing: the page works as long as there is a network.
    return
  }
  const own = registration as ServiceWorkerRegistration | undefined
  // Where a browser is told to have none, it gives none.
  if (own === undefined) return
  const look = () => {
    if (own.waiting !== null && serviceWorker.controller !== null) updateReady.value = true
  }
  look()
  own.addEventListener('updatefound', () => own.installing?.addEventListener('statechange', look))
  // Another tab has started it: this one still runs the version with which it began.
  serviceWorker.addEventListener('controllerchange', () => {
    updateReady.value ||= before !== null
    before = serviceWorker.controller
  })
  let looked = Date.now()
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || Date.now() - looked < HOUR) return
    looked = Date.now()
    void own.update().catch(() => {})
  })
}

/** Starts the new version: what is being written goes on there, and what is being typed is kept. */
export function startUpdate(): void {
  const waiting = registration?.waiting
  if (waiting) {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload())
    waiting.postMessage('start')
  } else location.reload()
}
