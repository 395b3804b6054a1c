/** The tensors of a container before it is known which of them make up a quantized matrix. */
import { CheckpointError } from '../errors.ts'
import type { TensorBytes, TensorFile } from '../formats/tensor-file.ts'
import type { RawTensor } from './quantized-rows.ts'

/** The tensors of a container as they are stored, of types that kernels know and of others. */
export class RawTensors {
  private readonly all = new Map<string, RawTensor>()

  constructor(private readonly container: TensorFile) {
    for (const [name, { file, type, shape, bytes }] of container.unsupported) {
      if (bytes !== undefined) this.all.set(name, { name, file, type, shape, ...bytes })
    }
    for (const [name, info] of container.tensors) {
      if (typeof info.dtype === 'string') this.all.set(name, { ...info, type: info.dtype.toUpperCase() })
    }
  }

  get(name: string): RawTensor | undefined {
    return this.all.get(name)
  }

  /** Tensors of this suffix and one of these types, with what is before the suffix. */
  endingWith({ suffix, type }: { suffix: string; type: string }): [stem: string, tensor: RawTensor][] {
    return [...this.all.values()]
      .filter((tensor) => tensor.name.endsWith(suffix) && tensor.type === type)
      .map((tensor) => [tensor.name.slice(0, -suffix.length), tensor])
  }

  /** @throws CheckpointError when it is missing or of another type */
  need(name: string, file: string, types: readonly string[]): RawTensor {
    const tensor = this.all.get(name)
    if (tensor === undefined) {
      throw this.container.whyMissing?.(name) ?? new CheckpointError({ file, tensor: name }, 'is missing')
    }
    if (!types.includes(tensor.type)) {
      const known = types.join(', ')
      throw new CheckpointError(
        { file: tensor.file, tensor: name },
        `elements of type ${tensor.type} are not supported here; ${known} are`,
      )
    }
    return tensor
  }

  read(tensor: TensorBytes, offset = 0, length = tensor.byteLength, signal?: AbortSignal) {
    return this.container.read(tensor, offset, length, signal)
  }
}
