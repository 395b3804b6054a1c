/** A tiny random model whose answer is known, to find out whether a device computes right. */
import { STORED_TYPES, storedBytes } from '../formats/blocks.ts'
import { f32ToF16Bits } from '../formats/f16.ts'
import type { SourceFiles } from '../formats/source.ts'
import type { TensorInfo } from '../formats/tensor-file.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import { expectedShape, partsOf, type WeightName, weightNames } from './shapes.ts'
import { randomNumbers } from './trial.ts'

/** Sizes that fit no tile; heads share keys, and the prompt is longer than the window. */
export const TINY_CONFIG: ModelConfig = {
  architecture: 'MistralForCausalLM',
  dim: 96,
  nLayers: 2,
  nHeads: 6,
  nKvHeads: 2,
  headDim: 16,
  hiddenDim: 160,
  vocabSize: 100,
  normEps: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: undefined,
  ropeDivisors: undefined,
  maxPositions: 64,
  queryScale: undefined,
  slidingWindows: [11, 11],
  tiedEmbeddings: false,
  attentionBias: false,
  mlpBias: false,
  ropePairing: 'half',
  bosTokenId: 1,
  eosTokenIds: [2],
}

/** More rows than a small batch has, so that the kernels of prompts compute them; the last token is decoded by itself. */
export const TINY_PROMPT: readonly number[] = Array.from({ length: 22 }, (_, i) => (7 + 31 * i + 5 * i * i) % 100)

/** The first logits after the last two tokens of the prompt, as `test/reference/forward.ts` computes them in f64. */
export const TINY_LOGITS: readonly (readonly number[])[] = [
  [
    0.9262, -0.0296, -0.1311, 0.3453, 0.5648, -0.3632, -0.5709, 0.9544, -1.1627, -3.6989, 0.3921, -0.2585, 2.8389,
    -0.3702, -2.451, 2.2859, -1.2645, -2.1175, 0.845, 1.1504, -0.089, -0.8737, 0.5788, 0.3862, -1.8944, -1.1563, 0.1548,
    -0.9698, 2.4009, 0.806, -1.6228, 0.7514, 1.8148, 2.7482, -0.747, -2.3544, -0.1524, 0.7911, 2.0379, 1.6346,
  ],
  [
    0.2597, 0.4061, 0.0018, 0.4287, -0.1655, -0.0583, -0.4319, -0.2172, 0.3179, -1.7589, -0.5846, -0.0519, 1.5549,
    -0.4158, -1.6002, 2.7986, -1.6442, -2.1761, 1.9764, 0.6955, -0.4433, -0.7296, -0.1119, 1.2253, -1.7144, -0.1899,
    0.3125, -1.6697, 3.1631, 0.758, -0.388, -0.3594, 1.7347, 3.2034, 0.9074, -3.788, -0.8715, 1.4949, 2.5557, 1.5183,
  ],
]

const FILES: SourceFiles = {
  label: 'self-test',
  fileName: undefined,
  ggufName: undefined,
  names: [],
  open: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
}

/** Matrices of 4 bits between embeddings of 8, as most models have on GPUs. */
export function tinyCheckpoint(): Checkpoint {
  const names = weightNames(TINY_CONFIG)
  const tensors = new Map(names.map((name) => [name, describe(name)]))
  const tensor = (name: WeightName): TensorInfo => tensors.get(name)!
  return {
    config: TINY_CONFIG,
    format: 'gguf',
    files: FILES,
    gguf: undefined,
    totalBytes: [...tensors.values()].reduce((sum, info) => sum + info.byteLength, 0),
    names,
    outputMayBeTied: false,
    notes: [],
    find: (name) => tensors.get(name),
    tensor,
    readTensor: async (info, offset, length) => bytesOf(info).slice(offset, offset + length),
    close: async () => {},
  }
}

function describe(name: WeightName): TensorInfo {
  const shape = expectedShape(TINY_CONFIG, partsOf(name).weight)
  const dtype = shape.length === 1 ? 'f32' : /^layers/.test(name) ? 'q4_0' : 'q8_0'
  const count = shape.reduce((product, size) => product * size, 1)
  return { name, file: FILES.label, dtype, shape, byteOffset: 0, byteLength: storedBytes(dtype, count) }
}

/** The same bytes each time. The scales keep activations at the size of real ones. */
function bytesOf({ name, dtype, byteLength }: TensorInfo): Uint8Array<ArrayBuffer> {
  const random = randomNumbers([...name].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 0))
  if (dtype === 'f32') {
    return new Uint8Array(Float32Array.from({ length: byteLength / 4 }, () => 1 + random() / 4).buffer)
  }
  const bytes = Uint8Array.from({ length: byteLength }, () => (random() + 1) * 128)
  const size = STORED_TYPES[dtype as 'q4_0' | 'q8_0'].bytes
  const view = new DataView(bytes.buffer)
  const scale = dtype === 'q4_0' ? 0.025 : name === 'output' ? 0.0015 : 0.008
  for (let at = 0; at < byteLength; at += size) {
    view.setUint16(at, f32ToF16Bits(scale * (1 + random() / 2)), true)
  }
  return bytes
}
