/** Whether models fit this GPU: what their headers say, before anything large is downloaded. */
import { signal } from '@preact/signals'
import { type ModelPlan, plan } from 'mistral-webgpu'
import { bytes } from './format.ts'

/** What is known of a model: nothing yet, its plan, or why there is none. */
export type Verdict =
  | { readonly is: 'looking' }
  | { readonly is: 'planned'; readonly plan: ModelPlan }
  | { readonly is: 'failed'; readonly why: string }

/** By the model's name on the Hub. */
export const verdicts = signal<ReadonlyMap<string, Verdict>>(new Map())

/** Reads the headers of a model, and notes what it would take. Whether it fits; true where that cannot be known. */
export async function look(address: string): Promise<boolean> {
  const known = verdicts.value.get(address)
  if (known?.is === 'planned') return known.plan.fits
  note(address, { is: 'looking' })
  try {
    const planned = await plan(`hf:${address}`)
    note(address, { is: 'planned', plan: planned })
    return planned.fits
  } catch (error) {
    note(address, { is: 'failed', why: (error as Error).message })
    return true
  }
}

function note(address: string, verdict: Verdict): void {
  verdicts.value = new Map(verdicts.value).set(address, verdict)
}

/** Why a model does not fit. */
export function problemOf({ problems: [problem] }: ModelPlan): string {
  if (problem === undefined) return 'Does not fit this GPU.'
  const { what, neededBytes, limit, limitBytes } = problem
  return `Does not fit this GPU: ${what} needs ${bytes(neededBytes)}, and its ${limit} is ${bytes(limitBytes)}.`
}
