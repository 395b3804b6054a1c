/** The code that allocates what a model takes, in one value: plans count with it what loading does with it. */
import { weightParts } from '../kernels/weight.ts'
import { Mistral } from './mistral.ts'
import { WEIGHTS_OPTIONS } from './size-types.ts'
import { createRunner, createState, isAutoContext, planSizes, USUAL_CONTEXT } from './sizes.ts'
import { loadWeights } from './weights.ts'

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
