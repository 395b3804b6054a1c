/** Loads and frees the adapters of a model. */
import { throwIfAborted } from '../async/abort.ts'
import { abortSignal, type Checks, check, checkOptions, filledText, number } from '../checks.ts'
import { type ModelSource, openSource, type SourceFiles } from '../formats/source.ts'
import { sourceName } from '../formats/source-name.ts'
import { NO_ADAPTER } from '../kernels/lora.ts'
import { openAdapter } from '../model/adapter-file.ts'
import {
  type AdapterFile,
  type AdapterWeights,
  type PackedUpdate,
  readAdapter,
  uploadAdapter,
} from '../model/adapter-weights.ts'
import { Adapters } from '../model/adapters.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { AdapterInfo, AdapterOptions, AdapterRegistry, LoadedAdapter } from './adapter-types.ts'

const OPTIONS: Checks<AdapterOptions> = {
  name: filledText,
  scale: number(-1000, 1000),
  hub: check((value) => typeof value === 'object' && value !== null, 'an object'),
  signal: abortSignal,
}

/** The adapters on the GPU of each model that has any. */
const onGpu = new WeakMap<LoadedModel, Adapters>()

/** As `MistralModel.loadAdapter`; it has its name then. */
export async function loadAdapter(
  named: AdapterRegistry,
  source: ModelSource,
  options: AdapterOptions,
): Promise<AdapterInfo> {
  checkOptions<AdapterOptions>(options, OPTIONS)
  const { scale = 1, signal } = options
  const { loaded, scheduler } = named
  loaded.gpu.check()
  const files = await openSource(source, { signal, hub: options.hub })
  try {
    const name = options.name ?? nameOf(source, files)
    named.refuseTaken(name)
    const file = await openAdapter(files, loaded.config, signal)
    const packed = await readAdapter(loaded.config, file, signal)
    return await scheduler.betweenBatches(async () => {
      // Another may have been faster.
      named.refuseTaken(name)
      throwIfAborted(signal)
      const { slot, gpuBytes } = await bring(loaded, packed, scale)
      const info = { name, scale, rank: rankOf(file), baseModel: file.base, gpuBytes, notes: file.notes }
      named.add({ name, slot, users: new Set(), info })
      return info
    })
  } finally {
    await files.close()
  }
}

/** That of its folder, or of the file where that was named. Several dropped files have no name of their own. */
function nameOf(source: ModelSource, { label, fileName }: SourceFiles): string {
  const isPlace = typeof source === 'string' || source instanceof URL
  const { name } = source as { readonly name?: unknown }
  const place = isPlace ? label : (fileName ?? (typeof name === 'string' ? name : ''))
  return sourceName(place.replace(/\badapter_model\.safetensors$/, '')) ?? 'adapter'
}

function rankOf({ matrices }: AdapterFile): number {
  return Math.max(...[...matrices.values()].map(({ a }) => a.shape[0]!))
}

/** Each adapter of this process has its own: none is used again. */
let lastSlot = NO_ADAPTER

async function bring(loaded: LoadedModel, packed: readonly PackedUpdate[], scale: number): Promise<AdapterWeights> {
  const { gpu, runner } = loaded
  const adapters = onGpu.get(loaded) ?? createAdapters(loaded)
  const slot = ++lastSlot
  try {
    return await gpu.guard('the adapter', async () => {
      const weights = uploadAdapter(gpu, packed, { slot, scale })
      adapters.add(weights)
      onGpu.set(loaded, adapters)
      await runner.useAdapters(adapters)
      await gpu.finish()
      return weights
    })
  } catch (error) {
    await letGo(loaded, adapters, slot)
    throw error
  }
}

function createAdapters({ runner, maxSequences }: LoadedModel): Adapters {
  const { model, maxRows, maxOutputs } = runner
  return new Adapters(model, { maxRows, maxOutputs, maxSequences })
}

async function letGo(loaded: LoadedModel, adapters: Adapters, slot: number): Promise<void> {
  adapters.remove(slot)
  if (adapters.isEmpty) {
    adapters.destroy()
    onGpu.delete(loaded)
  }
  await loaded.runner.useAdapters(onGpu.get(loaded))
}

/** Frees an adapter that no request can name any more, when those that do have ended. */
export async function unloadAdapter({ loaded, scheduler }: AdapterRegistry, adapter: LoadedAdapter): Promise<void> {
  const free = () => letGo(loaded, onGpu.get(loaded)!, adapter.slot)
  await scheduler.betweenBatches(free, () => adapter.users.size === 0)
}
