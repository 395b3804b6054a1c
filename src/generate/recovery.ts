/** Brings a model back whose device was lost. It is loaded when that happens. */
import { DeviceError, type DeviceLostError } from '../errors.ts'
import { type ModelSource, openSource } from '../formats/source.ts'
import { openCheckpoint } from '../model/checkpoint.ts'
import { LoadedModel } from '../model/loaded-model.ts'
import { type LoadOptions, openOptions } from './options.ts'
import type { Totals } from './types.ts'

/** Before each try: a driver that was reset, or a tab that sleeps, has no adapter for a while. */
const PAUSES_MS = [0, 250, 1000, 3000]

/** What it takes to load a model again, and how often that happened. */
export interface Recovery {
  readonly source: ModelSource
  readonly options: LoadOptions
  /** Losses in a row, without a token between, after which no more is tried. */
  readonly most: number
  losses: number
  /** Tokens that the model had generated at the last loss. */
  tokens: number
}

/** The parts of a model that its recovery looks at. */
interface Model {
  readonly loaded: LoadedModel
  readonly adapters: readonly unknown[]
  readonly scheduler: { readonly totals: Pick<Totals, 'generatedTokens'> }
}

/**
 * Loads the model again and puts it in the place of the lost one. Throws the loss when there were too many in a row, or when
 * adapters were on the device, and what loading threw when it cannot be loaded.
 */
export async function recover(model: Model, recovery: Recovery, error: DeviceLostError): Promise<void> {
  const { loaded, scheduler, adapters } = model
  const { generatedTokens } = scheduler.totals
  recovery.losses = generatedTokens > recovery.tokens ? 1 : recovery.losses + 1
  recovery.tokens = generatedTokens
  // Nobody kept where adapters came from.
  if (recovery.losses > recovery.most || adapters.length > 0) throw error
  let failure: unknown
  for (const pause of PAUSES_MS) {
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    try {
      if (loaded.gpu.isDisposed) loaded.gpu.check()
      return loaded.moveTo(await reload(recovery, loaded))
    } catch (caught) {
      // Another device may still be had; a file that is gone does not come back.
      if (!(caught instanceof DeviceError) || loaded.gpu.isDisposed) throw caught
      failure = caught
    }
  }
  throw failure
}

async function reload({ source, options }: Recovery, { vocabSize, contextLength }: LoadedModel): Promise<LoadedModel> {
  // Sequences are as long as they were, even if another device would hold more.
  const again = {
    ...options,
    contextLength,
    signal: undefined,
    onProgress: undefined,
    onPlan: undefined,
    onChoice: undefined,
    report: undefined,
  }
  const files = await openSource(source, openOptions(again))
  try {
    return await LoadedModel.load(await openCheckpoint(files, again), again, { ids: () => vocabSize })
  } finally {
    await files.close()
  }
}
