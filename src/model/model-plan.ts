/** A plan in full: what was counted, what of it does not fit, why, and what would. It is loaded when somebody asks for it. */
import type { MemoryError } from '../errors.ts'
import type { ModelPlan, PlanAlternative, PlanProblem } from './plan-types.ts'
import { type Count, Planner } from './planner.ts'

export async function modelPlan(planner: Planner): Promise<ModelPlan> {
  const { largest, planned } = planner
  const { checkpoint, options, gpu } = planned
  const count = planner.chosen()
  const { sizes, memory, refused } = count
  const fits = refused.length === 0
  return {
    fits,
    problems: refused.map(problemOf),
    source: checkpoint.files.label,
    format: checkpoint.format,
    weights: options.weights ?? 'native',
    adapter: gpu.name,
    contextLength: sizes.contextLength,
    contextLimit: sizes.contextLimit,
    largestContext: largest,
    trainedPositions: checkpoint.config.maxPositions,
    maxSequences: sizes.maxSequences,
    memory,
    reasons: [whyWeights(planner), whyCache(planner, count), whyContext(planner, count)],
    alternatives: fits ? [] : await alternatives(planner, memory.total),
    notes: checkpoint.notes,
  }
}

function problemOf({ what, neededBytes, limitName, limitBytes }: MemoryError): PlanProblem {
  return { what, neededBytes, limit: limitName!, limitBytes: limitBytes! }
}

function whyWeights({ planned: { options } }: Planner): string {
  const { weights = 'native' } = options
  if (weights === 'native') return "weights keep the types that they have in the file, as weights: 'native' says"
  const ends = weights === 'q4' ? ', embedding and output to 8 bits' : ''
  return `weights are rounded while they load, as weights: '${weights}' says${ends}`
}

function whyCache({ planned: { options, gpu } }: Planner, { memory, sizes }: Count): string {
  const { cacheType, cachePerToken } = memory
  const { kvCache = 'auto' } = options
  const has = gpu.has('shader-f16') ? 'the device has shader-f16' : 'the device has no shader-f16'
  const why = kvCache === 'auto' ? has : `kvCache: '${kvCache}' says so`
  const bounded = sizes.positions > sizes.contextLength ? '; layers keep their sliding window alone' : ''
  return `the key/value cache is ${cacheType}, since ${why}: ${cachePerToken} bytes a token${bounded}`
}

function whyContext(planner: Planner, { sizes, refused }: Count): string {
  const { contextLength, contextLimit } = sizes
  const { largest } = planner
  if (refused.length > 0) {
    const most = largest === 0 ? 'nothing fits' : `a contextLength of ${largest} fits`
    return `${contextLength} positions do not fit: ${most}`
  }
  switch (contextLimit) {
    case 'model':
      return `the context is all that the model was trained for: ${contextLength} positions`
    case 'option':
      return `the context is what contextLength says: ${contextLength} positions, of ${largest} that fit`
    case 'device':
    case 'memory':
      return `the context is ${contextLength} positions: ${tooMuch(planner.at(largest + 1).refused[0])}`
    case 'default': {
      const share =
        contextLength === planner.planned.code.USUAL_CONTEXT
          ? 'which every model gets'
          : "whose cache takes a quarter of the weights' bytes"
      return `the context is ${contextLength} positions, ${share}; contextLength may ask for ${largest}`
    }
  }
}

function tooMuch(error: MemoryError | undefined): string {
  if (error === undefined) return 'no more fit'
  const { what, neededBytes, limitName, limitBytes } = error
  return `with more ${what} would need ${neededBytes} bytes, and ${limitName} is ${limitBytes}`
}

async function alternatives(planner: Planner, total: number): Promise<PlanAlternative[]> {
  const { options, code } = planner.planned
  const smaller: PlanAlternative[] = []
  for (const weights of code.WEIGHTS_OPTIONS) {
    if (weights === (options.weights ?? 'native')) continue
    const count = (await Planner.create({ ...planner.planned, options: { ...options, weights } })).chosen()
    const { memory, refused, sizes } = count
    if (memory.total >= total) continue
    smaller.push({ weights, fits: refused.length === 0, total: memory.total, contextLength: sizes.contextLength })
  }
  return smaller
}
