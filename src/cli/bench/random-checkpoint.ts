/** A checkpoint of random weights in the shape of a real model. */
import { STORED_TYPES, storedBytes } from '../../formats/blocks.ts'
import type { SourceFiles } from '../../formats/source.ts'
import type { TensorInfo } from '../../formats/tensor-file.ts'
import type { Checkpoint } from '../../model/checkpoint.ts'
import type { ModelConfig } from '../../model/config.ts'
import type { WeightName } from '../../model/shapes.ts'
import type { WeightsOption } from '../../model/size-types.ts'
import { type RandomDtype, randomBytes } from './random-bytes.ts'

export type ShapeName = '7b' | 'nemo' | 'tiny'

type Shape = Pick<
  ModelConfig,
  'dim' | 'nHeads' | 'nKvHeads' | 'headDim' | 'hiddenDim' | 'vocabSize' | 'ropeTheta' | 'maxPositions'
>

/** From the `config.json` of Mistral-7B-v0.1 (without its window) and of Mistral-Nemo; `tiny` is nobody's. */
export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  '7b': {
    dim: 4096,
    nHeads: 32,
    nKvHeads: 8,
    headDim: 128,
    hiddenDim: 14336,
    vocabSize: 32000,
    ropeTheta: 10_000,
    maxPositions: 32768,
  },
  nemo: {
    dim: 5120,
    nHeads: 32,
    nKvHeads: 8,
    headDim: 128,
    hiddenDim: 14336,
    vocabSize: 131072,
    ropeTheta: 1_000_000,
    maxPositions: 131072,
  },
  tiny: {
    dim: 256,
    nHeads: 8,
    nKvHeads: 2,
    headDim: 32,
    hiddenDim: 512,
    vocabSize: 1280,
    ropeTheta: 10_000,
    maxPositions: 1024,
  },
}

/** `native` is f16. Under `q4` the embedding and the output projection have 8 bits, as when a model is quantized. */
const STORED: Readonly<Record<WeightsOption, { matrix: RandomDtype; ends: RandomDtype }>> = {
  native: { matrix: 'f16', ends: 'f16' },
  q8: { matrix: 'q8_0', ends: 'q8_0' },
  q4: { matrix: 'q4_0', ends: 'q8_0' },
}

/**
 * A slice of a real model's shape with random weights, made while they are read: no file, and the loader does all of
 * its work. Load it with `weights: 'native'`, since it already stores what `weights` asks for.
 */
export function randomCheckpoint(
  name: ShapeName,
  layers: number,
  weights: WeightsOption,
  vocabSize = SHAPES[name].vocabSize,
): Checkpoint {
  const config = configOf({ ...SHAPES[name], vocabSize }, layers)
  const tensors = tensorsOf(config, STORED[weights])
  const names = [...tensors.keys()]
  return {
    config,
    format: 'gguf',
    files: NO_FILES,
    gguf: undefined,
    totalBytes: [...tensors.values()].reduce((sum, info) => sum + info.byteLength, 0),
    names,
    outputMayBeTied: false,
    notes: [],
    find: (wanted) => tensors.get(wanted),
    tensor(wanted) {
      const info = tensors.get(wanted)
      if (info === undefined) throw new RangeError(`the model has no weight ${wanted}`)
      return info
    },
    async readTensor(info, offset, length) {
      // Gains of 1 keep the random activations at the size of real ones.
      if (info.shape.length === 1) return new Uint8Array(new Float32Array(length / 4).fill(1).buffer)
      return randomBytes(info.dtype as RandomDtype, info.byteOffset + offset, length)
    },
    async close() {},
  }
}

const NO_FILES: SourceFiles = {
  label: 'random weights',
  fileName: undefined,
  ggufName: undefined,
  names: [],
  open: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
}

function configOf(shape: Shape, layers: number): ModelConfig {
  return {
    ...shape,
    architecture: 'MistralForCausalLM',
    nLayers: layers,
    normEps: 1e-5,
    ropeScaling: undefined,
    ropeDivisors: undefined,
    queryScale: undefined,
    slidingWindows: Array.from({ length: layers }, () => undefined),
    tiedEmbeddings: false,
    attentionBias: false,
    mlpBias: false,
    ropePairing: 'adjacent',
    bosTokenId: 1,
    eosTokenIds: [2],
  }
}

function tensorsOf(
  { dim, nLayers, nHeads, nKvHeads, headDim, hiddenDim, vocabSize }: ModelConfig,
  { matrix, ends }: { matrix: RandomDtype; ends: RandomDtype },
): Map<WeightName, TensorInfo> {
  const tensors = new Map<WeightName, TensorInfo>()
  const add = (name: WeightName, dtype: RandomDtype, ...shape: number[]): void => {
    const count = shape.reduce((product, size) => product * size, 1)
    const byteLength = storedBytes(dtype, count)
    // Each tensor begins elsewhere in the pattern, on a block of its type.
    const byteOffset = 977 * STORED_TYPES[dtype].bytes * tensors.size
    tensors.set(name, { name, file: NO_FILES.label, dtype, shape, byteOffset, byteLength })
  }
  add('tokEmbeddings', ends, vocabSize, dim)
  for (let i = 0; i < nLayers; i++) {
    add(`layers.${i}.attentionNorm`, 'f32', dim)
    add(`layers.${i}.wq`, matrix, nHeads * headDim, dim)
    add(`layers.${i}.wk`, matrix, nKvHeads * headDim, dim)
    add(`layers.${i}.wv`, matrix, nKvHeads * headDim, dim)
    add(`layers.${i}.wo`, matrix, dim, nHeads * headDim)
    add(`layers.${i}.ffnNorm`, 'f32', dim)
    add(`layers.${i}.w1`, matrix, hiddenDim, dim)
    add(`layers.${i}.w3`, matrix, hiddenDim, dim)
    add(`layers.${i}.w2`, matrix, dim, hiddenDim)
  }
  add('norm', 'f32', dim)
  add('output', ends, vocabSize, dim)
  return tensors
}
