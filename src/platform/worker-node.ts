/** Worker threads of Node and Bun. */
import { parentPort as parent, Worker } from 'node:worker_threads'
import { DeviceError } from '../errors.ts'
import { portOf, type WorkerPort } from './worker-types.ts'

/** Starts the thread that has the engine. */
export function startWorker(): WorkerPort {
  return portOf(new Worker(new URL('../worker/host.ts', import.meta.url), { name: 'mistral-webgpu' }))
}

/** Inside a thread: the way to the one that started it. Throws `DeviceError` outside of one. */
export function parentPort(): WorkerPort {
  if (parent === null) throw new DeviceError('this file is the engine of a worker thread; import mistral-webgpu/worker')
  return portOf(parent)
}
