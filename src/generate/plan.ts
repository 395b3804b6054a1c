/** What loading a model would take, before it is loaded. */
import { DeviceError } from '../errors.ts'
import { type ModelSource, openSource } from '../formats/source.ts'
import { openCheckpoint } from '../model/checkpoint.ts'
import { planModel } from '../model/loaded-model.ts'
import type { ModelPlan } from '../model/plan-types.ts'
import { checkLoadOptions, type LoadOptions, openOptions, reporting } from './options.ts'

/**
 * What `load` with these options would take of this device: bytes of weights, cache and workspace, the context, and what does not
 * fit. Headers are all that is read of the weights. It takes the options of `load`; those that change no size have no effect.
 * @throws CheckpointError, ChoiceError, ConfigError, ParameterError, DeviceError, AbortError
 */
export async function plan(source: ModelSource, options: LoadOptions = {}): Promise<ModelPlan> {
  checkLoadOptions(options)
  const load = reporting(options)
  const files = await openSource(source, openOptions(load))
  try {
    return await planModel(await openCheckpoint(files, load), load)
  } finally {
    await files.close()
  }
}

/** Whether `load` with these options finds room on this device. Throws as {@link plan} does, but is false where there is no device. */
export async function canRun(source: ModelSource, options: LoadOptions = {}): Promise<boolean> {
  try {
    return (await plan(source, options)).fits
  } catch (error) {
    if (error instanceof DeviceError) return false
    throw error
  }
}
