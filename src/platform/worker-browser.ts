/** Workers of browsers and Deno. */
import { portOf, type SharedWorkerLike, sharedPortOf, type WorkerPort } from './worker-types.ts'

/**
 * Starts the worker that has the engine. Bundlers know this form, and make a file of it; webpack calls the file by the worker's name, which
 * no other worker may have.
 */
export function startWorker(): WorkerPort {
  return portOf(
    new Worker(new URL('../worker/host.ts', import.meta.url), { type: 'module', name: 'mistral-webgpu-engine' }),
  )
}

/**
 * Connects to the worker that all tabs of the origin have in common, or starts it: its file is the same.
 * @throws Error where the browser has none, or the page may not have it
 */
export function connectSharedWorker(): WorkerPort {
  if (globalThis.SharedWorker === undefined) throw new Error('this browser has none')
  const worker: SharedWorkerLike = new SharedWorker(new URL('../worker/host.ts', import.meta.url), {
    type: 'module',
    name: 'mistral-webgpu-shared-engine',
  })
  return sharedPortOf(worker)
}
