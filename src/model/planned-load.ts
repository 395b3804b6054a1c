/** Plans of loading: the sizes that a load takes, what its errors say of them, and what `plan` tells. It is loaded when one is made. */
import { MemoryError } from '../errors.ts'
import { modelPlan } from './model-plan.ts'
import type { ModelPlan } from './plan-types.ts'
import { type Count, type Planned, Planner } from './planner.ts'
import type { Sizes } from './sizes.ts'

/**
 * The sizes that a model is loaded with. `onPlan` is told of them, or of what does not fit.
 * @throws MemoryError when something does not fit
 */
export async function plannedSizes(planned: Planned, onPlan?: (plan: ModelPlan) => void): Promise<Sizes> {
  const planner = await Planner.create(planned)
  const { sizes, refused } = planner.chosen()
  onPlan?.(await modelPlan(planner))
  const [first] = refused
  if (first !== undefined) throw first
  return sizes
}

/** The plan in full, for who asks before loading. */
export async function planOf(planned: Planned): Promise<ModelPlan> {
  return modelPlan(await Planner.create(planned))
}

/** The error of a load with its plan, and with what would fit. What keeps a plan from being made is no matter then. */
export async function explained(error: MemoryError, planned: Planned): Promise<MemoryError> {
  try {
    const planner = await Planner.create({ ...planned, options: { ...planned.options, signal: undefined } })
    const count = planner.chosen()
    const { total, weights, cache, workspace } = count.memory
    const { largest } = planner
    const { what, neededBytes, limitBytes, limitName } = error
    const told = new MemoryError(what, neededBytes, limitBytes, advice(error, count), largest || undefined, limitName)
    told.plan = { total, weights, cache, workspace, contextLength: count.sizes.contextLength, largestContext: largest }
    return told
  } catch {
    return error
  }
}

/** What else helps against a cache that no buffer holds; undefined for all other things. */
function advice({ what, neededBytes, limitBytes }: MemoryError, { sizes, memory }: Count): string | undefined {
  if (limitBytes === undefined || !what.endsWith('key/value cache')) return undefined
  const sequences = Math.floor((limitBytes * sizes.maxSequences) / neededBytes)
  const others = [
    ...(sequences > 0 ? [`so does maxSequences ${sequences}`] : []),
    ...(memory.cacheType === 'f32' ? ["kvCache: 'f16' halves it"] : []),
    ...(memory.cacheType === 'f16' ? ["kvCache: 'q8' takes about half"] : []),
  ]
  return others.length > 0 ? others.join(', and ') : 'a device with larger buffers would hold more'
}
