/** The code that allocates what a model takes, in one value: plans count with it what loading does with it. */
import type { Gpu } from '../gpu/device.ts'
import { weightParts } from '../kernels/weight.ts'
import type { Checkpoint } from './checkpoint.ts'
import { Mistral } from './mistral.ts'
import { WEIGHTS_OPTIONS } from './size-types.ts'
import { createRunner, createState, isAutoContext, planSizes, USUAL_CONTEXT } from './sizes.ts'
import type { LoadWeightsOptions } from './weight-loader.ts'
import type { LoadedWeights } from './weights.ts'

/** Most of the code that loads is needed when a model is known to fit, and the page has drawn itself by then. */
async function loadWeights(gpu: Gpu, checkpoint: Checkpoint, options: LoadWeightsOptions): Promise<LoadedWeights> {
  return (await import('./weights.ts')).loadWeights(gpu, checkpoint, options)
}

export const ALLOCATION = {
  planSizes,
  isAutoContext,
  loadWeights,
  createState,
  createRunner,
  weightParts,
  Mistral,
  USUAL_CONTEXT,
  WEIGHTS_OPTIONS,
} as const

export type Allocation = typeof ALLOCATION
