/** What runs in the worker: it waits for a client's messages; in a shared worker, for those of many. */
import { withParentPort } from '../platform/parent-port.ts'
import { hasAdapter, withTabs } from '../platform/shared-worker.ts'
import { WorkerSession } from './session.ts'
import { SharedHost } from './shared-host.ts'

const shared = new SharedHost(hasAdapter)
if (!withTabs((port) => shared.connect(port))) void withParentPort((port) => new WorkerSession(port))
