/**
 * The way from a worker to whoever started it. It stands apart from what starts workers: a worker whose code can start itself is
 * a circle to bundlers.
 */
import { DeviceError } from '../errors.ts'
import { importUnfollowed } from './unfollowed.ts'
import { type PortLike, portOf, type WorkerPort } from './worker-types.ts'

/**
 * Calls `use` with the port: at once in a Web Worker, whose first message does not wait for a listener; as soon as it is known in a
 * worker thread of Node. Throws `DeviceError` outside of both.
 */
export async function withParentPort(use: (port: WorkerPort) => void): Promise<void> {
  if ('postMessage' in globalThis) return use(portOf(globalThis as unknown as PortLike))
  const { parentPort } = (await importUnfollowed('node:worker_threads')) as { parentPort: PortLike | null }
  if (parentPort === null) throw new DeviceError('this file is the engine of a worker; import mistral-webgpu/worker')
  use(portOf(parentPort))
}
