/** Loading of a model that tabs share. It is loaded for those that want it. */
import type { ModelSource } from '../formats/source.ts'
import type { LoadOptions } from '../generate/options.ts'
import { type Tabs, tabsOfOrigin } from '../platform/tabs.ts'
import { groupOf } from './group.ts'
import { type Membership, SharedModel } from './shared-model.ts'

export interface SharedLoad extends Pick<Membership, 'start' | 'load' | 'onTabs'> {
  readonly shared: true | string
  readonly source: ModelSource
  readonly options: LoadOptions
}

/** Joins the tabs with this model, or is the first. Throws what loading throws. */
export async function joinTabs({ shared, source, options, ...own }: SharedLoad, tabs: Tabs = tabsOfOrigin()) {
  const { signal, onProgress, ...rest } = options
  const group = await groupOf(shared, source, rest)
  const most = rest.maxRecoveries ?? 3
  return SharedModel.join({ ...own, tabs, group, most, onProgress }, signal)
}
