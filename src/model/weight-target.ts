/** A matrix that is being loaded: rows of the file become rows of it, on the CPU or on the GPU. */
import { storedBytes } from '../formats/blocks.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { StagedWrites } from '../gpu/staged-writes.ts'
import type { PackedRow } from '../kernels/quantize.ts'
import type { RoundedMatrix } from '../kernels/round-blocks.ts'
import { type Matrix, rowBytes, writeMatrixRows } from '../kernels/weight.ts'
import { type PackedRows, packRows, type Scratch, takesAsTheyAre } from './repack.ts'
import type { Rounding } from './rounding.ts'
import { type RowMap, type Run, runsOf, type Source } from './weight-sources.ts'

/** Rows of a source from one on, as they are stored. */
export interface StoredRange {
  readonly from: number
  readonly rows: Uint8Array<ArrayBuffer>
}

export interface TargetParts {
  readonly matrix: Matrix
  readonly sources: readonly Source[]
  readonly rounding: Rounding | undefined
  /** What rounds its rows on the GPU; undefined where the CPU converts them. */
  readonly rounded: RoundedMatrix | undefined
  readonly scratch: Scratch
  /** Rows that the CPU converts before it hands them on: few enough to stay in its cache. Parts of a matrix are not cut by them. */
  readonly atOnce: number
  /** What brings bytes to the GPU, where that is not the device itself. */
  readonly staged: StagedWrites | undefined
}

/** The buffers of a matrix without its biases. */
export function buffersOf(matrix: Matrix): Buffer[] {
  return matrix.flatMap(({ quants, scales }) => (scales === undefined ? [quants] : [quants, scales]))
}

export class MatrixTarget {
  constructor(
    private readonly gpu: Gpu,
    private readonly parts: TargetParts,
  ) {}

  get sources(): readonly Source[] {
    return this.parts.sources
  }

  /** Makes rows `first` to `first + count` of the matrix. Returns the bytes that went to the queue. */
  put(map: RowMap, first: number, count: number, data: readonly StoredRange[]): number {
    const { matrix, sources, rounding, rounded, staged, atOnce } = this.parts
    if (rounded === undefined) {
      for (let done = 0; done < count; done += atOnce) {
        const rows = Math.min(atOnce, count - done)
        const runs = runsOf(sources, map, first + done, rows)
        writeMatrixRows(staged ?? this.gpu, matrix, first + done, this.convert(runs, rows, data), rows)
      }
      const row = rowBytes(matrix[0]!.layout, matrix[0]!.cols)
      return count * (row.quants + row.scales)
    }
    const runs = runsOf(sources, map, first, count)
    const stored = runs.map(({ source, row, ...places }) => {
      const bytes = this.stored(data, source, row, places.count)
      return { bytes, ...places, kind: rounding!.kindOf(sources[source]!.name) }
    })
    rounded.put(first, count, stored, staged)
    return stored.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  }

  /** The rows in the layout of the matrix: those of the file where nothing is to be done. */
  private convert(runs: readonly Run[], count: number, data: readonly StoredRange[]): PackedRow {
    const { matrix, sources, rounding, scratch } = this.parts
    const { layout, cols } = matrix[0]!
    const [only] = runs
    const isOne = runs.length === 1 && only?.step === 1
    if (isOne && takesAsTheyAre(sources[only.source]!.info.dtype, layout, cols)) {
      return { quants: this.stored(data, only.source, only.row, count), scales: new Uint8Array() }
    }
    const packed: PackedRows = scratch.rows(layout, count, cols)
    for (const { source, row, ...places } of runs) {
      const { info, name } = sources[source]!
      const stored = this.stored(data, source, row, places.count)
      packRows(info.dtype, stored, packed, places, rounding?.sumsOf(name))
    }
    return packed
  }

  private stored(data: readonly StoredRange[], source: number, row: number, count: number): Uint8Array<ArrayBuffer> {
    const { info, cols } = this.parts.sources[source]!
    const bytes = storedBytes(info.dtype, cols)
    const { from, rows } = data[source]!
    return rows.subarray((row - from) * bytes, (row - from + count) * bytes)
  }
}
