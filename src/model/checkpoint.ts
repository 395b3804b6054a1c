/** A checkpoint of any format under one set of names, with every shape checked before a byte of weights is read. */
import { CheckpointError } from '../errors.ts'
import type { GgufMetadata } from '../formats/gguf-metadata.ts'
import type { SourceFiles } from '../formats/source.ts'
import type { TensorInfo } from '../formats/tensor-file.ts'
import type { ModelConfig } from './config.ts'
import { type CheckpointOptions, hasTensor, type Opened } from './opened.ts'
import type { OtherBias } from './other-biases.ts'
import { expectedShape, LAYER_BIASES, partsOf, type WeightName, weightNames } from './shapes.ts'

export interface Checkpoint {
  readonly config: ModelConfig
  /** `mistral` is the vendor's own layout. */
  readonly format: 'safetensors' | 'mistral' | 'gguf'
  readonly files: SourceFiles
  /** A GGUF's metadata, which holds its tokenizer and chat template. */
  readonly gguf: GgufMetadata | undefined
  /** Of all the weights that the model uses; tied embeddings count once. */
  readonly totalBytes: number
  /** Every weight that the model uses, in the order of the forward pass. `output` is absent when it is tied. */
  readonly names: readonly WeightName[]
  /**
   * The config ties `output` to `tokEmbeddings`, but the file has both: they are one matrix if they hold the same, and
   * two otherwise.
   */
  readonly outputMayBeTied: boolean
  /** Notes on the checkpoint for the user, one sentence each. */
  readonly notes: readonly string[]
  /**
   * Where a weight lies. With tied embeddings `output` is the embedding matrix.
   * @throws RangeError for a name that the model does not have, which is the caller's bug
   */
  tensor(name: WeightName): TensorInfo
  /** As `tensor`, but undefined for a name that the model does not have. */
  find(name: WeightName): TensorInfo | undefined
  /** `length` bytes of a tensor from `offset`, relative to the tensor; in `into` where that saves a copy. */
  readTensor(
    info: TensorInfo,
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>
  /** Closes the files; the checkpoint cannot be read afterwards. */
  close(): Promise<void>
}

/**
 * Opens the GGUF that the source names, or its safetensors with `config.json`. On failure the caller still owns
 * `files` and closes it.
 * @throws CheckpointError naming file, tensor and fact; ConfigError naming the field; AbortError
 */
export async function openCheckpoint(files: SourceFiles, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const { ggufName } = files
  const opened = await (ggufName === undefined ? openFolder(files, options) : openGgufFile(files, ggufName, options))
  const { config, container, format, gguf, outputMayBeTied } = opened
  const names = [...weightNames(config), ...biasNames(opened)]
  const weights = new Map<WeightName, TensorInfo>()
  for (const name of names) weights.set(name, await findTensor(opened, name))
  refuseMoreLayers(opened)
  const others = otherBiases(opened)
  const unused = others.length > 0 ? await notesOnBiases(opened, others, options) : []
  let totalBytes = 0
  for (const info of weights.values()) totalBytes += info.byteLength
  const embeddings = weights.get('tokEmbeddings')
  if (config.tiedEmbeddings && embeddings !== undefined) weights.set('output', embeddings)
  return {
    config,
    format,
    files,
    gguf,
    totalBytes,
    names,
    outputMayBeTied,
    notes: [...(files.notes ?? []), ...opened.notes, ...(container.notes ?? []), ...unused],
    find: (name) => weights.get(name),
    tensor(name) {
      const info = weights.get(name)
      if (info === undefined) throw new RangeError(`the model has no weight ${name}`)
      return info
    },
    readTensor: (info, offset, length, signal, into) => container.read(info, offset, length, signal, into),
    close: () => files.close(),
  }
}

/** Repositories often have both layouts, of which a browser or a script may have taken one. */
async function openFolder(files: SourceFiles, options: CheckpointOptions): Promise<Opened> {
  const { signal } = options
  await refuseForeign(files, signal)
  const isNative = /^(?:consolidated.*\.safetensors(?:\.index\.json)?|params\.json)$/.test(files.fileName ?? '')
  const layouts = isNative ? [openNativeFolder] : [openHfFolder, openNativeFolder]
  for (const open of layouts) {
    const opened = await open(files, options)
    if (opened !== undefined) return opened
  }
  throw await nothingThere(files, signal)
}

async function openHfFolder(files: SourceFiles, options: CheckpointOptions): Promise<Opened | undefined> {
  const { openHf } = await import('./checkpoint-hf.ts')
  return openHf(files, options)
}

async function openNativeFolder(files: SourceFiles, options: CheckpointOptions): Promise<Opened | undefined> {
  const { openNative } = await import('./checkpoint-native.ts')
  return openNative(files, options)
}

async function refuseForeign(files: SourceFiles, signal: AbortSignal | undefined): Promise<void> {
  const { fileName } = files
  if (fileName === undefined || /\.(?:safetensors|json)$/i.test(fileName)) return
  const { foreignFile } = await import('../formats/no-checkpoint.ts')
  const error = await foreignFile(files, fileName, signal)
  if (error !== undefined) throw error
}

async function nothingThere(files: SourceFiles, signal: AbortSignal | undefined): Promise<CheckpointError> {
  const { noCheckpoint } = await import('../formats/no-checkpoint.ts')
  return noCheckpoint(files, signal)
}

async function openGgufFile(files: SourceFiles, name: string, options: CheckpointOptions): Promise<Opened> {
  const { openGgufModel } = await import('./checkpoint-gguf.ts')
  return openGgufModel(files, name, options)
}

/** A config that names fewer layers than there are would load half a model. */
function refuseMoreLayers({ config, container, mainFile, nameInFile }: Opened): void {
  const tensor = nameInFile(`layers.${config.nLayers}.attentionNorm`)
  if (!hasTensor(container, tensor)) return
  throw new CheckpointError({ file: mainFile, tensor }, `is there, but the config names only ${config.nLayers} layers`)
}

async function findTensor(opened: Opened, name: WeightName): Promise<TensorInfo> {
  const tensor = opened.nameInFile(name)
  const info = opened.container.tensors.get(tensor)
  if (info === undefined) throw await missingTensor(opened, tensor)
  checkShape(opened, name, info)
  return info
}

async function missingTensor({ container, mainFile }: Opened, tensor: string): Promise<CheckpointError> {
  const refused = container.unsupported.get(tensor)
  const why = refused === undefined ? container.whyMissing?.(tensor) : undefined
  if (why !== undefined) return why
  const { quantizedFact } = await import('../formats/no-checkpoint.ts')
  const quantized = quantizedFact((name) => hasTensor(container, name), tensor)
  if (quantized !== undefined) return new CheckpointError({ file: mainFile, tensor }, quantized)
  if (refused !== undefined) {
    return new CheckpointError({ file: refused.file, tensor }, `elements of type ${refused.type} are not supported`)
  }
  return new CheckpointError({ file: mainFile, tensor }, 'is missing')
}

function checkShape({ config }: Opened, name: WeightName, info: TensorInfo): void {
  const expected = expectedShape(config, partsOf(name).weight)
  if (info.shape.length !== expected.length || info.shape.some((size, d) => size !== expected[d])) {
    throw new CheckpointError(
      { file: info.file, tensor: info.name },
      `has the shape [${info.shape.join(', ')}], the config says [${expected.join(', ')}]`,
    )
  }
}

function biasNames({ config, container, biases, biasesMayLack, nameInFile }: Opened): WeightName[] {
  const layers = Array.from({ length: config.nLayers }, (_, layer) => layer)
  const names = layers.flatMap((layer) => biases.map((bias) => `layers.${layer}.${bias}` as const))
  return biasesMayLack ? names.filter((name) => hasTensor(container, nameInFile(name))) : names
}

/** The biases that the config does not know. Any other tensor that the model does not use is ignored. */
function otherBiases({ config, container, biases, nameInFile }: Opened): OtherBias[] {
  const others: OtherBias[] = []
  const add = (weight: OtherBias['weight'], tensor: string) => {
    if (hasTensor(container, tensor)) others.push({ weight, tensor })
  }
  for (let layer = 0; layer < config.nLayers; layer++) {
    for (const bias of LAYER_BIASES) if (!biases.includes(bias)) add(bias, nameInFile(`layers.${layer}.${bias}`))
    for (const norm of ['attentionNorm', 'ffnNorm'] as const) {
      add(norm, nameInFile(`layers.${layer}.${norm}`).replace(/weight$/, 'bias'))
    }
  }
  return others
}

async function notesOnBiases(opened: Opened, others: readonly OtherBias[], { signal }: CheckpointOptions) {
  const { passZeroBiases } = await import('./other-biases.ts')
  return passZeroBiases(opened, others, signal)
}
