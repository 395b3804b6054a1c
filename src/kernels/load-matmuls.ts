/** Loads the matrix products that a device uses besides those that all have. */
import type { MatmulVariant, Tuning } from '../gpu/tuning.ts'
import { type MakeMatmul, matmuls } from './linear.ts'

/** Must be awaited before a product is recorded on a device of this tuning. */
export async function loadMatmuls({ matmul, choices }: Tuning): Promise<void> {
  const names = Object.values({ ...matmul, ...choices })
  const add = (table: Readonly<Record<string, MakeMatmul>>): void => {
    for (const name in table) matmuls.set(name as MatmulVariant, table[name]!)
  }
  if (names.some((name) => name.startsWith('batch'))) add((await import('./batch-matmuls.ts')).BATCH_MATMULS)
  if (names.some((name) => name.startsWith('rows'))) add((await import('./rows-matmuls.ts')).ROWS_MATMULS)
  if (names.some((name) => !matmuls.has(name))) add((await import('./gpu-matmuls.ts')).GPU_MAKERS)
}
