/** What runs in the worker: it waits for a client's messages. */
import { withParentPort } from '../platform/parent-port.ts'
import { WorkerSession } from './session.ts'

void withParentPort((port) => new WorkerSession(port))
