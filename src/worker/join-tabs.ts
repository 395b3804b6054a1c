/** Loading of a model that tabs share. It is loaded for those that want it. */
import type { ModelSource } from '../formats/source.ts'
import type { LoadOptions } from '../generate/options.ts'
import { type Tabs, tabsOfOrigin } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { ElectedModel } from './elected-model.ts'
import { groupOf } from './group.ts'
import type { Membership, SharedModel } from './shared-model.ts'
import { NoSharedWorker, SharedWorkerModel } from './shared-worker-model.ts'

export interface SharedLoad extends Pick<Membership, 'load' | 'onTabs'> {
  readonly shared: true | string
  readonly host: 'auto' | 'shared-worker' | 'leader'
  readonly source: ModelSource
  readonly options: LoadOptions
  /** Starts a worker of this tab. */
  readonly start: () => WorkerPort
  /** Connects to the worker that all tabs have in common. Throws where there can be none. */
  readonly connect: () => WorkerPort
}

/** Joins the tabs with this model, or is the first. Throws what loading throws. */
export async function joinTabs(load: SharedLoad, tabs: Tabs = tabsOfOrigin()): Promise<SharedModel> {
  const { shared, host, source, options, connect, ...own } = load
  const { signal, onProgress, ...rest } = options
  const group = await groupOf(shared, source, rest)
  const membership = { ...own, tabs, group, most: rest.maxRecoveries ?? 3, onProgress }
  if (host !== 'leader') {
    try {
      return await SharedWorkerModel.join({ ...membership, start: connect }, signal)
    } catch (error) {
      if (host === 'shared-worker' || !(error instanceof NoSharedWorker)) throw error
    }
  }
  return ElectedModel.join(membership, signal)
}
