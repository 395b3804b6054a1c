/** Puts the service worker between this page and the network. */
import type { Notice } from './messages.ts'

/** Resolves when requests of this page go through the service worker. */
export async function takenByServiceWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) throw new Error('service workers need https, or localhost')
  await navigator.serviceWorker.register('./sw.js')
  const { active } = await navigator.serviceWorker.ready
  if (navigator.serviceWorker.controller !== null) return
  const taken = new Promise((resolve) =>
    navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
  )
  active?.postMessage('take this page' satisfies Notice)
  await taken
}
