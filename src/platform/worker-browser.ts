/** Workers of browsers and Deno. */
import { type PortLike, portOf, type WorkerPort } from './worker-types.ts'

/** Starts the worker that has the engine. Bundlers know this form, and make a file of it. */
export function startWorker(): WorkerPort {
  return portOf(new Worker(new URL('../worker/host.ts', import.meta.url), { type: 'module', name: 'mistral-webgpu' }))
}

/** Inside a worker: the way to the page that started it. */
export function parentPort(): WorkerPort {
  return portOf(globalThis as unknown as PortLike)
}
