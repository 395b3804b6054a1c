/** Loads the attention that a device uses, and what writes and reads the cache. */
import type { Tuning } from '../gpu/tuning.ts'
import { attends } from './attention.ts'
import { type CacheLayout, cacheParts } from './cache-layouts.ts'

/** Must be awaited before attention is recorded on a device of this tuning, over a cache of this layout. */
export async function loadAttention({ attention }: Tuning, { name, load }: CacheLayout): Promise<void> {
  const lanes = attention === 'lanes' ? import('./attention-lanes.ts') : undefined
  const [parts, { attendRows }, more] = await Promise.all([load(), import('./attention-rows.ts'), lanes])
  cacheParts.set(name, parts)
  attends.set('rows', attendRows).set('tiles', attendRows)
  if (more !== undefined) attends.set('lanes', more.attendLanes)
}
