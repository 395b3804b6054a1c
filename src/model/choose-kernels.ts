/** What loading a model does about its kernels: on a GPU they are tested and measured, by code that is loaded for it. */
import type { Gpu } from '../gpu/device.ts'
import type { Tuning } from '../gpu/tuning.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ChoiceOptions, PendingChoice } from './kernel-choice.ts'
import { plainReport, type TuningOption } from './kernel-report.ts'

/** Kernels that the option names; undefined when it says how they are chosen. */
export function givenKernels(tuning: TuningOption | undefined): Partial<Tuning> | undefined {
  return typeof tuning === 'object' ? tuning : undefined
}

/** Software adapters are fixed and tested: unless somebody asks, loading takes no time for it. Throws as `beginChoice` does. */
export async function chooseKernels(gpu: Gpu, checkpoint: Checkpoint, options: ChoiceOptions): Promise<PendingChoice> {
  if (gpu.software && options.tuning === undefined && options.selfTest === undefined) {
    return { gpu, end: async () => ({ gpu, report: plainReport(gpu) }) }
  }
  return (await import('./kernel-choice.ts')).beginChoice(gpu, checkpoint, options)
}
