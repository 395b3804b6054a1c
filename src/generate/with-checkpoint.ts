/** What all loads of a model begin with: its source is opened, and the GPU beside it. */
import { throwIfAborted } from '../async/abort.ts'
import { type ModelSource, openSource } from '../formats/source.ts'
import { GpuAhead } from '../model/ahead.ts'
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts'
import { type LoadOptions, openOptions, reporting } from './options.ts'

/** Runs `use` with the checkpoint, which is closed afterwards, and with the options by which all parts of the load work together. */
export async function withCheckpoint<T>(
  source: ModelSource,
  options: LoadOptions,
  use: (checkpoint: Checkpoint, load: LoadOptions) => Promise<T>,
): Promise<T> {
  throwIfAborted(options.signal)
  const ahead = new GpuAhead(options)
  const load = { ...reporting(options), ahead }
  try {
    const files = await openSource(source, openOptions(load))
    try {
      return await use(await openCheckpoint(files, load), load)
    } finally {
      await files.close()
    }
  } finally {
    await ahead.end()
  }
}
