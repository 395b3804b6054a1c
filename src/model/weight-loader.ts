/**
 * Makes the buffers of a model's weights, then fills them. It reads, converts and uploads at the same time: while some rows are
 * converted, the next are read, and those before them are on their way to the GPU.
 */
import { throwIfAborted } from '../async/abort.ts'
import { decodeToF32, storedBytes } from '../formats/blocks.ts'
import type { TensorInfo } from '../formats/tensor-file.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { StagedWrites } from '../gpu/staged-writes.ts'
import { BLOCK, ceilTo } from '../kernels/shape.ts'
import { createMatrix, type Matrix, withBiases, writeBiases } from '../kernels/weight.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ModelWeights } from './mistral.ts'
import { haveOneLayout, nativeLayout, Scratch } from './repack.ts'
import type { Rounding } from './rounding.ts'
import type { WeightName } from './shapes.ts'
import type { WeightsOption } from './size-types.ts'
import { oneAfterAnother, type RowMap, runsOf, type Source } from './weight-sources.ts'
import { buffersOf, MatrixTarget } from './weight-target.ts'

/** Bytes of the file that are read at a time, and those that are converted: few enough to stay in a cache of the CPU on the way. */
const [PIECE_BYTES, CACHED_BYTES] = [4 << 20, 512 << 10]
/** Pieces that are read ahead of the one that is converted. */
const AHEAD = 3
/** What software adapters are brought goes through buffers that are used again, from so many bytes on. */
const WORTH_STAGING = 64 << 20
/** Bytes handed to the queue before those of the last time are waited for: implementations keep a copy until the GPU has it. */
const IN_FLIGHT_BYTES = 32 << 20

export interface LoadWeightsOptions {
  readonly weights: WeightsOption
  readonly signal?: AbortSignal | undefined
  /** Called after each piece with the bytes read so far and the tensor they belong to. */
  readonly onProgress?: ((loadedBytes: number, tensor: string) => void) | undefined
  /** Awaited when the buffers are there, before anything is read. Of tied embeddings it is not known yet whether they are. */
  readonly onAllocated?: ((weights: ModelWeights) => Promise<void>) | undefined
  /** True makes the buffers and leaves them empty: only samples of what may be tied are read. */
  readonly onlySizes?: boolean | undefined
  /** Whether the GPU rounds what it can. Default: where that is faster. */
  readonly roundOnGpu?: boolean | undefined
  /** Whether weights go through buffers that are used again and again. Default: where that is faster. */
  readonly staged?: boolean | undefined
  /** Called with what the user should know about the weights, one sentence each. */
  readonly note?: ((text: string) => void) | undefined
}

/** A part of a tensor. */
interface Part {
  readonly info: TensorInfo
  readonly offset: number
  readonly length: number
  /** It was counted already, or will be: what is compared is read twice. */
  readonly isExtra?: boolean
}

/** Parts that are being read, and what becomes of them. */
interface Job {
  readonly parts: readonly Part[]
  readonly rooms: readonly Uint8Array<ArrayBuffer>[]
  readonly data: Promise<Uint8Array<ArrayBuffer>[]>
  readonly use: (data: readonly Uint8Array<ArrayBuffer>[]) => void
}

export class WeightLoader {
  /** How each matrix and vector that was allocated is filled. */
  private readonly fills: (() => Promise<void>)[] = []
  private loadedBytes = 0
  private inFlight = 0
  readonly staged: StagedWrites | undefined
  private submitted: Promise<void> = Promise.resolve()
  private readonly jobs: Job[] = []
  /** Memory that files are read to, again and again. */
  private readonly rooms: Uint8Array<ArrayBuffer>[] = []
  private readonly scratch = new Scratch()

  constructor(
    private readonly gpu: Gpu,
    private readonly checkpoint: Checkpoint,
    private readonly options: LoadWeightsOptions,
    private readonly rounding: Rounding | undefined,
  ) {
    const { staged = gpu.software && checkpoint.totalBytes >= WORTH_STAGING } = options
    this.staged = staged && !options.onlySizes ? new StagedWrites(gpu) : undefined
  }

  /** @param bias the name that the matrix's bias has, if it has one */
  source(name: WeightName, bias?: WeightName): Source {
    const info = this.checkpoint.tensor(name)
    const [rows = 1, cols = 1] = info.shape
    return { name, info, rows, cols, bias: bias && this.checkpoint.find(bias) }
  }

  /** A norm's gain as f32, padded with zeros. */
  vector(name: WeightName): Buffer {
    const info = this.checkpoint.tensor(name)
    const size = ceilTo(info.shape[0]!, BLOCK)
    const buffer = this.gpu.createBuffer(name, size * 4)
    const use: Job['use'] = ([data]) => {
      const padded = new Float32Array(size)
      padded.set(decodeToF32(info.dtype, data!))
      this.gpu.write(buffer, 0, padded)
    }
    this.fills.push(() => this.add([wholeOf(info)], use))
    return buffer
  }

  /**
   * Several matrices one after another: neighbours of one layout become one, so that each keeps the size it has in the
   * file. Files of mixed types, such as Q4_K_M, keep more bits in `wv` than in `wq` and `wk`.
   */
  async pieces(label: string, sources: readonly Source[], weights: WeightsOption, group: number): Promise<Matrix> {
    const areAlike = (a: Source, b: Source) => weights !== 'native' || haveOneLayout(a.info.dtype, b.info.dtype)
    const runs: Source[][] = []
    for (const source of sources) {
      const last = runs.at(-1)
      if (last?.[0] !== undefined && areAlike(last[0], source)) last.push(source)
      else runs.push([source])
    }
    const made: Matrix[] = []
    for (const [i, run] of runs.entries()) {
      const name = runs.length === 1 ? label : `${label} ${i}`
      made.push(await this.matrix(name, run, oneAfterAnother(run), weights, group))
    }
    return made.flat()
  }

  /**
   * One matrix of rows taken from several. `group` rows belong together: parts are cut between groups, so that what is
   * needed of a source is one range of it.
   */
  async matrix(
    label: string,
    sources: readonly Source[],
    map: RowMap,
    weights: WeightsOption,
    group = 1,
  ): Promise<Matrix> {
    const dtypes = sources.map((source) => source.info.dtype)
    const layout = weights === 'native' ? await nativeLayout(dtypes) : this.rounding!.layout(weights)
    const rows = sources.reduce((sum, source) => sum + source.rows, 0)
    const cols = sources[0]!.cols
    const plain = createMatrix(this.gpu, label, layout, { rows, cols })
    const hasBias = sources.some(({ bias }) => bias !== undefined)
    const matrix = hasBias ? withBiases(this.gpu, plain) : plain
    // What stands behind the scales is there already.
    if (layout.tail === undefined) this.staged?.expect(buffersOf(plain))
    this.fills.push(async () => {
      await this.fillMatrix(matrix, sources, map, group)
      if (hasBias) await this.biases(matrix, sources, map, rows)
    })
    return matrix
  }

  private async fillMatrix(matrix: Matrix, sources: readonly Source[], map: RowMap, group: number): Promise<void> {
    const { rounding, scratch, staged } = this
    staged?.begin(buffersOf(matrix))
    const dtypes = sources.map((source) => source.info.dtype)
    const rows = sources.reduce((sum, source) => sum + source.rows, 0)
    const fileRow = Math.max(...sources.map(({ info, cols }) => storedBytes(info.dtype, cols)))
    // Whole fours keep their offsets in the scales buffer aligned.
    const unit = ceilTo(group, 4) === group ? group : group * (group % 2 === 0 ? 2 : 4)
    const unitsOf = (bytes: number) => Math.max(1, Math.floor(bytes / fileRow / unit)) * unit
    const [count, atOnce] = [unitsOf(PIECE_BYTES), unitsOf(CACHED_BYTES)]
    const rounded = await rounding?.open(matrix, dtypes, Math.min(count, rows))
    const target = new MatrixTarget(this.gpu, { matrix, sources, rounding, rounded, scratch, staged, atOnce })
    for (let first = 0; first < rows; first += count) {
      await this.rows(target, map, first, Math.min(count, rows - first))
    }
  }

  /** The biases of several matrices in the order of the rows that were taken from them. */
  private async biases(matrix: Matrix, sources: readonly Source[], map: RowMap, rows: number): Promise<void> {
    const infos = sources.map(({ bias }) => bias)
    const parts = infos.flatMap((bias) => (bias === undefined ? [] : wholeOf(bias)))
    await this.add(parts, (data) => {
      let next = 0
      const values = infos.map((bias) => bias && decodeToF32(bias.dtype, data[next++]!))
      const all = new Float32Array(rows)
      for (const { source, row, index, step, count } of runsOf(sources, map, 0, rows)) {
        for (let i = 0; i < count; i++) all[index + i * step] = values[source]?.[row + i] ?? 0
      }
      writeBiases(this.gpu, matrix, all)
    })
  }

  private async rows(target: MatrixTarget, map: RowMap, first: number, count: number): Promise<void> {
    const { sources } = target
    const runs = runsOf(sources, map, first, count)
    const ranges = sources.map(({ info, cols, twin }, s) => {
      const own = runs.filter(({ source }) => source === s)
      const from = own.reduce((least, { row }) => Math.min(least, row), Infinity)
      const to = own.reduce((most, { row, count }) => Math.max(most, row + count), 0)
      const part = (info: TensorInfo, isExtra: boolean): Part => {
        const bytes = storedBytes(info.dtype, cols)
        return { info, offset: from * bytes, length: (to - from) * bytes, isExtra }
      }
      const parts = own.length === 0 ? [] : [part(info, false), ...(twin?.isSame ? [part(twin.info, true)] : [])]
      return { from, parts }
    })
    await this.add(
      ranges.flatMap(({ parts }) => parts),
      (all) => {
        const data = [...all]
        const bySource = ranges.map(({ from, parts }) => ({ from, data: data.splice(0, parts.length) }))
        for (const [s, { twin, info }] of sources.entries()) {
          const [rows, own] = bySource[s]!.data
          if (twin?.isSame && own !== undefined) twin.compare(info, rows!, own)
        }
        const rows = bySource.map(({ from, data: [rows] }) => ({ from, rows: rows! }))
        this.inFlight += target.put(map, first, count, rows)
      },
    )
  }

  /** Begins to read, and uses what was read before. */
  private async add(parts: readonly Part[], use: Job['use']): Promise<void> {
    const { checkpoint, options } = this
    throwIfAborted(options.signal)
    const rooms = parts.map(({ length }) => this.roomFor(length))
    const data = Promise.all(
      parts.map(({ info, offset, length }, i) =>
        checkpoint.readTensor(info, offset, length, options.signal, rooms[i]!.subarray(0, length)),
      ),
    )
    // Whoever waits for it hears of an error; until then nobody does.
    data.catch(() => undefined)
    this.jobs.push({ parts, rooms, data, use })
    while (this.jobs.length > AHEAD) await this.next()
  }

  private roomFor(length: number): Uint8Array<ArrayBuffer> {
    const fitting = this.rooms.findIndex((room) => room.byteLength >= length)
    if (fitting >= 0) return this.rooms.splice(fitting, 1)[0]!
    return new Uint8Array(Math.max(length, length > PIECE_BYTES / 4 ? PIECE_BYTES : 0))
  }

  private async next(): Promise<void> {
    const { parts, rooms, data, use } = this.jobs[0]!
    const { staged } = this
    const all = await data
    await staged?.room()
    throwIfAborted(this.options.signal)
    this.jobs.shift()
    for (const { info, length, isExtra } of parts) if (!isExtra) this.count(info, length)
    throwIfAborted(this.options.signal)
    use(all)
    staged?.submit()
    this.rooms.push(...rooms)
    if (staged !== undefined || this.inFlight < IN_FLIGHT_BYTES) return
    this.inFlight = 0
    const before = this.submitted
    this.submitted = this.gpu.finish(undefined, true)
    this.submitted.catch(() => undefined)
    await before
  }

  /** Fills what was allocated since the last time. */
  async fill(): Promise<void> {
    const fills = this.fills.splice(0)
    if (this.options.onlySizes) return
    for (const begin of fills) await begin()
    await this.drain()
  }

  /** Uses all that is being read. */
  private async drain(): Promise<void> {
    while (this.jobs.length > 0) await this.next()
  }

  /** Waits until all is on the GPU. */
  async end(): Promise<void> {
    await this.gpu.finish(undefined, true)
    this.staged?.destroy()
  }

  /** Waits for what is still being read, so that files can be closed. */
  async giveUp(): Promise<void> {
    await Promise.allSettled(this.jobs.map(({ data }) => data))
    this.staged?.destroy()
  }

  /** Counts a tensor as loaded. */
  skip(info: TensorInfo): void {
    this.count(info, info.byteLength)
  }

  private count(info: TensorInfo, bytes: number): void {
    this.loadedBytes += bytes
    this.options.onProgress?.(this.loadedBytes, info.name)
  }
}

function wholeOf(info: TensorInfo): Part {
  return { info, offset: 0, length: info.byteLength }
}
