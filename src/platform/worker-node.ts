/** Worker threads of Node and Bun. */
import { Worker } from 'node:worker_threads'
import { portOf, type WorkerPort } from './worker-types.ts'

/** Starts the thread that has the engine. */
export function startWorker(): WorkerPort {
  return portOf(new Worker(new URL('../worker/host.ts', import.meta.url), { name: 'mistral-webgpu-engine' }))
}

/** @throws Error always: threads have no worker in common */
export function connectSharedWorker(): WorkerPort {
  throw new Error('this runtime has none')
}
