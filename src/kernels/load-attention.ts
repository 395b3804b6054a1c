/** Loads the attention that a device uses. */
import type { Tuning } from '../gpu/tuning.ts'
import { attends } from './attention.ts'

/** Must be awaited before attention is recorded on a device of this tuning. */
export async function loadAttention({ attention }: Tuning): Promise<void> {
  const { attendRows } = await import('./attention-rows.ts')
  attends.set('rows', attendRows).set('tiles', attendRows)
  if (attention === 'lanes') attends.set('lanes', (await import('./attention-lanes.ts')).attendLanes)
}
