/** How the kernels of a device are chosen, as options say it and reports show it. */
import type { Gpu } from '../gpu/device.ts'
import type { BatchClass, MatmulVariant, Tuning } from '../gpu/tuning.ts'

/**
 * `'auto'`: measured once on each GPU, and remembered; software adapters have a fixed choice. `'exact'`: the same without
 * kernels that round activations. `'measure'`: measured now, on any adapter. `'off'`: what all GPUs begin with. An object gives
 * the kernels.
 */
export type TuningOption = 'auto' | 'exact' | 'measure' | 'off' | Partial<Tuning>

/** `'once'` for each GPU, driver and version, and remembered; `'always'`, on any adapter; or `'never'`. */
export type SelfTestOption = 'once' | 'always' | 'never'

/** Which kernels a model computes with, and why. */
export interface KernelReport {
  /** Where the choice of matrix products comes from. */
  readonly origin: 'default' | 'given' | 'measured' | 'remembered'
  /** The matrix product for each class of batches. */
  readonly matmul: Readonly<Record<BatchClass, MatmulVariant>>
  /** Those that are better on this device: for matrices of a layout, of few or many outputs, for a class of batches. */
  readonly choices: Readonly<Record<string, MatmulVariant>>
  /** Milliseconds of each kernel that was measured. */
  readonly measured: Readonly<Record<string, Readonly<Partial<Record<MatmulVariant, number>>>>>
  readonly selfTest: 'passed' | 'remembered' | 'skipped'
  /** What erred in the self-test, or in a trial, and is not used. */
  readonly off: readonly string[]
}

/** The kernels that are used where nothing is tested or measured. */
export function plainReport({ tuning }: Gpu, origin: KernelReport['origin'] = 'default'): KernelReport {
  const { matmul, choices = {} } = tuning
  return { origin, matmul, choices, measured: {}, selfTest: 'skipped', off: [] }
}
