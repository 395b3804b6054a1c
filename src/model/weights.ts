/** Brings the weights of a checkpoint to the GPU: read by pieces, fused, packed, uploaded. */
import { throwIfAborted } from '../async/abort.ts'
import { decodeToF32, storedBytes } from '../formats/blocks.ts'
import type { TensorInfo } from '../formats/tensor-file.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { BLOCK, ceilTo } from '../kernels/shape.ts'
import { createWeight, type Weight, withBias, writeRows } from '../kernels/weight.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ModelConfig } from './config.ts'
import type { LayerWeights, ModelWeights } from './mistral.ts'
import { createPackedRows, haveOneLayout, nativeLayout, packRow } from './repack.ts'
import type { QuantizationReport, Rounding } from './rounding.ts'
import type { LayerBias, LayerWeight, WeightName } from './shapes.ts'
import type { WeightsOption } from './size-types.ts'
import type { Twin } from './twin.ts'

export interface LoadWeightsOptions {
  readonly weights: WeightsOption
  readonly signal?: AbortSignal | undefined
  /** Called after each piece with the bytes read so far and the tensor they belong to. */
  readonly onProgress?: ((loadedBytes: number, tensor: string) => void) | undefined
  /** Called with a model of one layer as soon as that is there: most others are like it. */
  readonly onFirstLayer?: ((weights: ModelWeights) => void) | undefined
  /** True makes the buffers and leaves them empty: only samples of what may be tied are read. */
  readonly onlySizes?: boolean | undefined
  /** Called with what the user should know about the weights, one sentence each. */
  readonly note?: ((text: string) => void) | undefined
}

export interface LoadedWeights extends ModelWeights {
  /** undefined when no matrix was rounded. */
  readonly quantization: QuantizationReport | undefined
}

/** Bytes of the file that are converted at a time: what the JavaScript heap holds besides the reader's own buffers. */
const PIECE_BYTES = 4 << 20
/** Bytes handed to the queue before it is waited for: implementations keep a copy until the GPU has it. */
const IN_FLIGHT_BYTES = 64 << 20

/**
 * Brings a checkpoint's weights to the GPU, piece by piece, in the layouts and fusions that the kernels take.
 * Throws `CheckpointError`, `MemoryError`, `AbortError`.
 */
export async function loadWeights(
  gpu: Gpu,
  checkpoint: Checkpoint,
  options: LoadWeightsOptions,
): Promise<LoadedWeights> {
  const { config } = checkpoint
  // Whoever keeps the types of the file needs no code that rounds.
  const { weights } = options
  const rounding = weights === 'native' ? undefined : new (await import('./rounding.ts')).Rounding(weights)
  const loader = new WeightLoader(gpu, checkpoint, options, rounding)
  // Under 'q4' the embedding and the output projection stay at 8 bits: they cost quality most.
  const ends = weights === 'q4' ? 'q8' : weights
  // Few checkpoints have both.
  const twin = checkpoint.outputMayBeTied
    ? new (await import('./twin.ts')).Twin(checkpoint.tensor('output'), checkpoint, options.signal)
    : undefined
  const embeddings = { ...loader.source('tokEmbeddings'), twin }
  if (options.onlySizes) await twin?.sample(embeddings.info)
  const tokEmbeddings = await loader.matrix('tokEmbeddings', [embeddings], inOrder, ends)
  const layers: LayerWeights[] = []
  for (let i = 0; i < config.nLayers; i++) {
    layers.push(await loadLayer(loader, config, i, weights))
    const [layer] = layers
    if (i === 0)
      options.onFirstLayer?.({ tokEmbeddings, layers: [layer!], norm: layer!.ffnNorm, output: tokEmbeddings })
  }
  const norm = await loader.vector('norm')
  const isTied = config.tiedEmbeddings || twin?.isSame === true
  if (twin?.isSame === true) loader.skip(twin.info)
  if (twin?.isSame === false) options.note?.(twin.note(embeddings.info))
  const output = isTied ? tokEmbeddings : await loader.matrix('output', [loader.source('output')], inOrder, ends)
  await gpu.finish()
  return { tokEmbeddings, layers, norm, output, quantization: rounding?.report() }
}

async function loadLayer(
  loader: WeightLoader,
  config: ModelConfig,
  i: number,
  weights: WeightsOption,
): Promise<LayerWeights> {
  const source = (name: LayerWeight, bias: LayerBias) => loader.source(`layers.${i}.${name}`, `layers.${i}.${bias}`)
  const rotated = config.ropePairing === 'half' ? halvesToNeighbours(config.headDim) : undefined
  const qkv = [{ ...source('wq', 'bq'), order: rotated }, { ...source('wk', 'bk'), order: rotated }, source('wv', 'bv')]
  return {
    attentionNorm: await loader.vector(`layers.${i}.attentionNorm`),
    wqkv: await loader.pieces(`layers.${i}.wqkv`, qkv, weights, config.headDim),
    wo: await loader.matrix(`layers.${i}.wo`, [source('wo', 'bo')], inOrder, weights),
    ffnNorm: await loader.vector(`layers.${i}.ffnNorm`),
    w13: await loader.matrix(`layers.${i}.w13`, [source('w1', 'b1'), source('w3', 'b3')], interleaved, weights),
    w2: await loader.matrix(`layers.${i}.w2`, [source('w2', 'b2')], inOrder, weights),
  }
}

/** A matrix of the file, [rows, cols]. */
interface Source {
  readonly name: WeightName
  readonly info: TensorInfo
  readonly rows: number
  readonly cols: number
  /** [rows], added to what the rows give. */
  readonly bias?: TensorInfo | undefined
  /** Row of the file that stands at a row of the result. */
  readonly order?: ((row: number) => number) | undefined
  /** A tensor that is compared with this one on the way. */
  readonly twin?: Twin | undefined
}

/** Which row of which source stands at a row of the fused matrix. */
type RowMap = (row: number) => { source: number; row: number }

const inOrder: RowMap = (row) => ({ source: 0, row })
const interleaved: RowMap = (row) => ({ source: row % 2, row: Math.floor(row / 2) })

function oneAfterAnother(sources: readonly Source[]): RowMap {
  return (row) => {
    let source = 0
    while (row >= sources[source]!.rows) row -= sources[source++]!.rows
    return { source, row }
  }
}

/** Hugging Face rotates rows i and i + K/2 of a head together; the kernels want them next to each other. */
export function halvesToNeighbours(headDim: number): (row: number) => number {
  return (row) => {
    const inHead = row % headDim
    return row - inHead + (inHead % 2) * (headDim / 2) + Math.floor(inHead / 2)
  }
}

class WeightLoader {
  private loadedBytes = 0
  private inFlight = 0

  constructor(
    private readonly gpu: Gpu,
    private readonly checkpoint: Checkpoint,
    private readonly options: LoadWeightsOptions,
    private readonly rounding: Rounding | undefined,
  ) {}

  /** @param bias the name that the matrix's bias has, if it has one */
  source(name: WeightName, bias?: WeightName): Source {
    const info = this.checkpoint.tensor(name)
    const [rows = 1, cols = 1] = info.shape
    return { name, info, rows, cols, bias: bias && this.checkpoint.find(bias) }
  }

  /** A norm's gain as f32, padded with zeros. */
  async vector(name: WeightName): Promise<Buffer> {
    const info = this.checkpoint.tensor(name)
    const values = decodeToF32(info.dtype, await this.read(info, 0, info.byteLength))
    const padded = new Float32Array(ceilTo(values.length, BLOCK))
    padded.set(values)
    const buffer = this.gpu.createBuffer(name, padded.byteLength)
    this.gpu.write(buffer, 0, padded)
    return buffer
  }

  /**
   * Several matrices one after another: neighbours of one layout become one, so that each keeps the size it has in the
   * file. Files of mixed types, such as Q4_K_M, keep more bits in `wv` than in `wq` and `wk`.
   */
  async pieces(label: string, sources: readonly Source[], weights: WeightsOption, group: number): Promise<Weight[]> {
    const areAlike = (a: Source, b: Source) => weights !== 'native' || haveOneLayout(a.info.dtype, b.info.dtype)
    const runs: Source[][] = []
    for (const source of sources) {
      const last = runs.at(-1)
      if (last?.[0] !== undefined && areAlike(last[0], source)) last.push(source)
      else runs.push([source])
    }
    const made: Weight[] = []
    for (const [i, run] of runs.entries()) {
      const name = runs.length === 1 ? label : `${label} ${i}`
      made.push(await this.matrix(name, run, oneAfterAnother(run), weights, group))
    }
    return made
  }

  /**
   * One matrix of rows taken from several. `group` rows belong together: pieces are cut between groups, so that what a
   * piece needs of a source is one range of it.
   */
  async matrix(
    label: string,
    sources: readonly Source[],
    map: RowMap,
    weights: WeightsOption,
    group = 1,
  ): Promise<Weight> {
    const dtypes = sources.map((source) => source.info.dtype)
    const layout = weights === 'native' ? await nativeLayout(dtypes) : this.rounding!.layout(weights)
    const rows = sources.reduce((sum, source) => sum + source.rows, 0)
    const cols = sources[0]!.cols
    const weight = createWeight(this.gpu, label, layout, rows, cols)
    const fileRow = Math.max(...sources.map((source) => storedBytes(source.info.dtype, cols)))
    // Pieces of whole fours keep their offsets in the scales buffer aligned.
    const unit = ceilTo(group, 4) === group ? group : group * (group % 2 === 0 ? 2 : 4)
    const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / fileRow / unit)) * unit
    for (let first = 0; first < rows; first += pieceRows) {
      if (!this.options.onlySizes) await this.piece(weight, sources, map, first, Math.min(pieceRows, rows - first))
    }
    const bias = await this.bias(sources, map, rows)
    return bias === undefined ? weight : withBias(this.gpu, weight, bias)
  }

  /** The biases of several matrices in the order of the rows that were taken from them; undefined when none has one. */
  private async bias(sources: readonly Source[], map: RowMap, rows: number): Promise<Float32Array | undefined> {
    if (sources.every(({ bias }) => bias === undefined)) return undefined
    const values: (Float32Array | undefined)[] = []
    for (const { bias } of sources) {
      values.push(bias && decodeToF32(bias.dtype, await this.read(bias, 0, bias.byteLength)))
    }
    return Float32Array.from({ length: rows }, (_, i) => {
      const { source, row } = map(i)
      return values[source]?.[sources[source]!.order?.(row) ?? row] ?? 0
    })
  }

  private async piece(weight: Weight, sources: readonly Source[], map: RowMap, first: number, count: number) {
    const places = Array.from({ length: count }, (_, i) => {
      const { source, row } = map(first + i)
      return { source, row: sources[source]!.order?.(row) ?? row }
    })
    const packed = createPackedRows(weight.layout, count, weight.cols)
    for (const [s, { name, info, cols, twin }] of sources.entries()) {
      const needed = places.filter((place) => place.source === s).map((place) => place.row)
      if (needed.length === 0) continue
      const from = needed.reduce((a, b) => Math.min(a, b))
      const to = needed.reduce((a, b) => Math.max(a, b)) + 1
      const bytes = storedBytes(info.dtype, cols)
      const data = await this.read(info, from * bytes, (to - from) * bytes)
      if (twin?.isSame) await twin.compare(info, from, to, data)
      const sums = this.rounding?.sumsOf(name)
      for (const [i, place] of places.entries()) {
        if (place.source !== s) continue
        packRow(info.dtype, data.subarray((place.row - from) * bytes, (place.row - from + 1) * bytes), packed, i, sums)
      }
    }
    writeRows(this.gpu, weight, first, packed)
    this.inFlight += packed.quants.byteLength + packed.scales.byteLength
    if (this.inFlight < IN_FLIGHT_BYTES) return
    this.inFlight = 0
    await this.gpu.finish()
  }

  /** Counts a tensor as loaded. */
  skip(info: TensorInfo): void {
    this.count(info, info.byteLength)
  }

  private async read(info: TensorInfo, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.options.onlySizes) return new Uint8Array(length)
    const bytes = await this.fetch(info, offset, length)
    this.count(info, length)
    return bytes
  }

  private async fetch(info: TensorInfo, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(this.options.signal)
    const bytes = await this.checkpoint.readTensor(info, offset, length, this.options.signal)
    throwIfAborted(this.options.signal)
    return bytes
  }

  private count(info: TensorInfo, bytes: number): void {
    this.loadedBytes += bytes
    this.options.onProgress?.(this.loadedBytes, info.name)
  }
}
