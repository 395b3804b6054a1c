/** Workers of browsers and Deno. */
import { portOf, type WorkerPort } from './worker-types.ts'

/**
 * Starts the worker that has the engine. Bundlers know this form, and make a file of it; webpack calls the file by the worker's name, which
 * no other worker may have.
 */
export function startWorker(): WorkerPort {
  return portOf(
    new Worker(new URL('../worker/host.ts', import.meta.url), { type: 'module', name: 'mistral-webgpu-engine' }),
  )
}
