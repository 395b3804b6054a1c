/** What runs in the worker: it waits for a client's messages. */
import { parentPort } from '#worker'
import { WorkerSession } from './session.ts'

new WorkerSession(parentPort())
