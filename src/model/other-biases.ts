/** Biases that the config does not know: zeros are passed over, since exporters write them, and others are refused. */
import { throwIfAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import { decodeToF32 } from '../formats/blocks.ts'
import type { Opened } from './opened.ts'
import { expectedShape, type LayerBias } from './shapes.ts'

/** A bias in the file, and the weight whose shape it should have: the bias itself, or the norm that it is added to. */
export interface OtherBias {
  readonly weight: LayerBias | 'attentionNorm' | 'ffnNorm'
  readonly tensor: string
}

/** Biases that are read at a time. */
const PARALLEL = 8

/**
 * @returns notes for the user
 * @throws CheckpointError naming a bias that is not zero, which would change every answer; AbortError
 */
export async function passZeroBiases(
  opened: Opened,
  others: readonly OtherBias[],
  signal?: AbortSignal,
): Promise<string[]> {
  for (let i = 0; i < others.length; i += PARALLEL) {
    throwIfAborted(signal)
    const some = others.slice(i, i + PARALLEL)
    const zeros = await Promise.all(some.map((other) => isZero(opened, other, signal)))
    const bad = some.find((_, at) => !zeros[at])
    if (bad === undefined) continue
    const at = { file: opened.mainFile, tensor: bad.tensor }
    throw new CheckpointError(at, 'is there, but a model of this config has no such bias')
  }
  const count = others.length
  return [count === 1 ? '1 bias that is all zeros is not used' : `${count} biases that are all zeros are not used`]
}

/** False also for what is no vector of the weight's outputs, and for elements of a type that is not implemented. */
async function isZero({ config, container }: Opened, { weight, tensor }: OtherBias, signal?: AbortSignal) {
  const info = container.tensors.get(tensor)
  if (info === undefined || info.shape.length !== 1 || info.shape[0] !== expectedShape(config, weight)[0]) return false
  const bytes = await container.read(info, 0, info.byteLength, signal)
  return decodeToF32(info.dtype, bytes).every((value) => value === 0)
}
