/** What a format's own opener gives to `checkpoint.ts`: config, container and names, before any shape is checked. */
import type { GgufMetadata } from '../formats/gguf-metadata.ts'
import type { TensorFile } from '../formats/tensor-file.ts'
import type { ModelConfig } from './config.ts'
import type { LayerBias, WeightName } from './shapes.ts'

export interface CheckpointOptions {
  readonly signal?: AbortSignal | undefined
  /** A sliding window in place of the checkpoint's own; null is full attention in every layer. */
  readonly slidingWindow?: number | null | undefined
}

export interface Opened {
  readonly config: ModelConfig
  /** `mistral` is the vendor's own layout. */
  readonly format: 'safetensors' | 'mistral' | 'gguf'
  readonly container: TensorFile
  readonly gguf: GgufMetadata | undefined
  /** The file to blame when a tensor is missing. */
  readonly mainFile: string
  /** The config ties input and output embeddings, though the file has a matrix for each. */
  readonly outputMayBeTied: boolean
  /** The biases that each layer has. */
  readonly biases: readonly LayerBias[]
  /** A layer may lack any of the biases, which then is zero. */
  readonly biasesMayLack: boolean
  /** Notes for the user, one sentence each. */
  readonly notes: string[]
  /** The name of a tensor in the file. */
  readonly nameInFile: (name: WeightName) => string
}

/** True when the file has the tensor, of whatever type. */
export function hasTensor(container: TensorFile, name: string): boolean {
  return container.tensors.has(name) || container.unsupported.has(name)
}
