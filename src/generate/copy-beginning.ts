/** The beginning of a prompt that another sequence holds is copied instead of computed. */
import type { Runner } from '../model/runner.ts'
import type { CopyPlan } from './planner.ts'
import type { SequenceCache } from './sequence-cache.ts'

/** Returns how many tokens of the prompt that saved. */
export async function copyBeginning(
  { generation, source: { sequence: source, shared } }: CopyPlan,
  runner: Runner,
  sequences: SequenceCache,
): Promise<number> {
  const target = generation.sequence!
  const { epoch } = generation
  const written = await runner.copySequence(source.index, target.index, { count: shared, written: source.written })
  // Copying may have had to compile, and the request may have left meanwhile.
  if (generation.epoch !== epoch) {
    sequences.clear(target)
    return 0
  }
  target.written = written
  return generation.copied(shared)
}
