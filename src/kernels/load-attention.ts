/** Loads the attention that a device uses, and what writes and reads the cache. */
import type { Tuning } from '../gpu/tuning.ts'
import { attends } from './attention.ts'
import { type CacheLayout, cacheParts } from './cache-layouts.ts'

/** Must be awaited before attention is recorded on a device of this tuning, over a cache of this layout. */
export async function loadAttention({ attention }: Tuning, { name, load }: CacheLayout): Promise<void> {
  cacheParts.set(name, await load())
  const { attendRows } = await import('./attention-rows.ts')
  attends.set('rows', attendRows).set('tiles', attendRows)
  if (attention === 'lanes') attends.set('lanes', (await import('./attention-lanes.ts')).attendLanes)
}
