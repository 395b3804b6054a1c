import { DeviceError, throwIfAborted } from '../errors.ts'
import type { Gpu } from '../gpu/device.ts'
import { Readback } from '../gpu/readback.ts'
import type { Recording } from '../gpu/recorder.ts'
import { partsFor, rowsPerTile } from '../kernels/attention.ts'
import { type BatchShape, ceilTo, ROW_TILE, type Width, widthOf } from '../kernels/shape.ts'
import type { Mistral } from './mistral.ts'

/** One row of a batch: a token of a sequence at its position. */
export interface Row {
  readonly token: number
  readonly sequence: number
  readonly position: number
  /** Whether the logits after this token are wanted. */
  readonly wantsLogits: boolean
}

const PADDING_POSITION = 0xffffffff

/** Runs batches of rows through the model, one after another, and brings logits back. */
export class Runner {
  private readonly layers = new Map<Width, Promise<Recording<BatchShape>>>()
  private readonly heads = new Map<Width, Promise<Recording<BatchShape>>>()
  private readonly readback: Readback
  private readonly tokens: Uint32Array<ArrayBuffer>
  private readonly rows: Uint32Array<ArrayBuffer>
  private readonly tiles: Uint32Array<ArrayBuffer>
  private readonly gpu: Gpu
  /** The run before: the buffers of the workspace serve one at a time. */
  private previous: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly model: Mistral,
    /** Rows of one batch at most. */
    readonly maxRows: number,
    /** Rows of one batch whose logits are wanted, at most. */
    readonly maxOutputs: number,
  ) {
    this.gpu = model.gpu
    const rows = ceilTo(maxRows, ROW_TILE)
    this.tokens = new Uint32Array(rows)
    this.rows = new Uint32Array(rows * 4)
    this.tiles = new Uint32Array(rows * 4)
    this.readback = new Readback(this.gpu, 'logits readback', maxOutputs * model.workspace.logits.stride * 4)
  }

  /** Compiles ahead what generating text needs, so that the first token does not wait for it. */
  async warmUp(): Promise<void> {
    await Promise.all([this.layersFor(1), this.layersFor('many'), this.headFor(1)])
  }

  /**
   * The logits of the rows that want them, in order, [V] each. The rows' keys and values are in the cache afterwards.
   * Rows of one sequence must be neighbours and in order of position. Throws `AbortError`, `DeviceError`.
   */
  run(batch: readonly Row[], signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>[]> {
    const result = this.previous.then(() => this.runNow(batch, signal))
    const done = () => {}
    this.previous = result.then(done, done)
    return result
  }

  private async runNow(batch: readonly Row[], signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>[]> {
    throwIfAborted(signal)
    this.gpu.check()
    const outputs = batch.filter((row) => row.wantsLogits).length
    if (batch.length > this.maxRows || outputs > this.maxOutputs) {
      throw new DeviceError(
        `a batch of ${batch.length} rows and ${outputs} outputs; ${this.maxRows} and ${this.maxOutputs} fit`,
      )
    }
    const layers = await this.layersFor(widthOf(batch.length))
    const head = outputs > 0 ? await this.headFor(widthOf(outputs)) : undefined
    const shape = this.upload(batch, outputs)

    const encoder = this.gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    layers.encode(pass, shape)
    head?.encode(pass, shape)
    pass.end()
    this.gpu.counters.passes++
    const { logits } = this.model.workspace
    const bytes = outputs * logits.stride * 4
    if (outputs > 0) this.readback.copy(encoder, logits.buffer, bytes)
    this.gpu.submit(encoder.finish())
    if (outputs === 0) {
      // Nothing comes back, but the caller must be able to stop between chunks: wait for this one.
      await this.gpu.finish()
      return []
    }
    const all = new Float32Array(await this.readback.read(bytes))
    return Array.from({ length: outputs }, (_, i) => all.slice(i * logits.stride, i * logits.stride + logits.cols))
  }

  private layersFor(width: Width): Promise<Recording<BatchShape>> {
    return remember(this.layers, width, () => this.model.recordLayers(width))
  }

  private headFor(width: Width): Promise<Recording<BatchShape>> {
    return remember(this.heads, width, () => this.model.recordHead(width))
  }

  /** Writes tokens and metadata of the rows to the GPU. Unused rows of the last tile are marked as padding. */
  private upload(batch: readonly Row[], outputs: number): BatchShape {
    const parts = partsFor(this.mostVisibleKeys(batch))
    const padded = ceilTo(batch.length, ROW_TILE)
    let picked = 0
    for (let i = 0; i < padded; i++) {
      const row = batch[i]
      this.tokens[i] = row?.token ?? 0
      this.rows[4 * i] = row?.sequence ?? 0
      this.rows[4 * i + 1] = row?.position ?? PADDING_POSITION
      this.rows[4 * i + 3] = parts
      if (row?.wantsLogits) this.rows[4 * picked++ + 2] = i
    }
    const tiles = this.makeTiles(batch)
    const { workspace } = this.model
    this.gpu.write(workspace.tokens, 0, this.tokens.subarray(0, padded))
    this.gpu.write(workspace.rows, 0, this.rows.subarray(0, 4 * padded))
    this.gpu.write(workspace.tiles, 0, this.tiles.subarray(0, 4 * tiles))
    return { rows: batch.length, outputs, parts, tiles }
  }

  private mostVisibleKeys(batch: readonly Row[]): number {
    if (widthOf(batch.length) === 'many') return 1
    const window = Math.max(...this.model.cache.map((layer) => layer.window))
    return Math.min(window, Math.max(...batch.map((row) => row.position + 1)))
  }

  /** Cuts the batch in runs of neighbouring positions of one sequence. Returns how many there are. */
  private makeTiles(batch: readonly Row[]): number {
    const longest = rowsPerTile(this.gpu, this.model.config.headDim, widthOf(batch.length))
    let count = 0
    for (let first = 0; first < batch.length; ) {
      const { sequence, position } = batch[first]!
      let length = 1
      while (length < longest) {
        const next = batch[first + length]
        if (next?.sequence !== sequence || next.position !== position + length) break
        length++
      }
      this.tiles.set([first, length, sequence, position], 4 * count++)
      first += length
    }
    return count
  }
}

function remember<K, V>(map: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
    // What failed once is tried again.
    value.catch(() => map.delete(key))
  }
  return value
}
