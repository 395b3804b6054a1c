/** Folders of quantized matrices as containers of plain ones: rows in one form, whatever tensors they are stored in. */
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import type { TensorFile, TensorInfo } from '../formats/tensor-file.ts'
import type { Quantization } from './quantization-hf.ts'
import { describeModule, MAIN_TENSORS } from './quantized-modules.ts'
import { type LoadedModule, packRows, type QuantizedModule, type RawTensor } from './quantized-rows.ts'
import { RawTensors } from './raw-tensors.ts'

/** Tensors that are read at a time while a folder is opened. */
const PARALLEL = 8
/** Modules whose tensors are held at a time: rows of two are interleaved, and those that come next are read ahead. */
const HELD = 4

/**
 * @returns the container with a tensor `NAME.weight` for each module that is quantized. A module that cannot be read is
 * an error when the model needs it.
 */
export async function openQuantized(
  container: TensorFile,
  quantization: Quantization,
  signal?: AbortSignal,
): Promise<TensorFile> {
  const files = new RawTensors(container)
  const tensors = new Map(container.tensors)
  const unsupported = new Map(container.unsupported)
  const modules = new Map<string, QuantizedModule>()
  const errors = new Map<string, CheckpointError>()
  const add = async (name: string, main: RawTensor) => {
    try {
      const module = await describeModule(files, quantization, main, signal)
      modules.set(name, module)
      tensors.set(name, infoOf(name, main, module))
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      errors.set(name, error)
    }
    unsupported.delete(name)
  }
  const found = MAIN_TENSORS[quantization.method].flatMap((main) => files.endingWith(main))
  for (let i = 0; i < found.length; i += PARALLEL) {
    throwIfAborted(signal)
    await Promise.all(found.slice(i, i + PARALLEL).map(([stem, main]) => add(`${stem}.weight`, main)))
  }
  const held = new Held()
  return {
    tensors,
    unsupported,
    notes: container.notes ?? [],
    whyMissing: (name) => errors.get(name) ?? container.whyMissing?.(name),
    async read(tensor, offset, length, signal, into) {
      const module = modules.get(tensor.name)
      if (module === undefined) return container.read(tensor, offset, length, signal, into)
      const { bytes } = module.type
      return packRows(module, await held.get(module, signal), offset / bytes, length / bytes, signal)
    },
    close: () => container.close(),
  }
}

function infoOf(name: string, { file }: RawTensor, { rows, cols, type }: QuantizedModule): TensorInfo {
  return { name, file, dtype: type, shape: [rows, cols], byteOffset: 0, byteLength: rows * type.bytes }
}

/** What the last modules hold. */
class Held {
  private list: { module: QuantizedModule; loaded: Promise<LoadedModule> }[] = []

  get(module: QuantizedModule, signal: AbortSignal | undefined): Promise<LoadedModule> {
    const found = this.list.find((entry) => entry.module === module)
    if (found !== undefined) return found.loaded
    const loaded = module.load(signal)
    this.list.push({ module, loaded })
    if (this.list.length > HELD) this.list.shift()
    // Whoever tries again reads again.
    loaded.catch(() => {
      this.list = this.list.filter((entry) => entry.loaded !== loaded)
    })
    return loaded
  }
}
