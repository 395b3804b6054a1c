/** Where the rows of a matrix on the GPU come from: which row of which matrix of the file. */
import type { TensorInfo } from '../formats/tensor-file.ts'
import type { WeightName } from './shapes.ts'
import type { Twin } from './twin.ts'

/** A matrix of the file, [rows, cols]. */
export interface Source {
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

/** Which rows of which sources stand at rows `first` to `first + count` of the fused matrix, in runs, before a source's own order. */
export type RowMap = (first: number, count: number) => Run[]

export const inOrder: RowMap = (row, count) => [{ source: 0, row, index: 0, step: 1, count }]

export const interleaved: RowMap = (first, count) =>
  [0, 1].flatMap((index) => {
    const [row, own] = [first + index, Math.ceil((count - index) / 2)]
    return own > 0 ? [{ source: row % 2, row: Math.floor(row / 2), index, step: 2, count: own }] : []
  })

export function oneAfterAnother(sources: readonly Source[]): RowMap {
  return (first, count) => {
    const runs: Run[] = []
    let begin = 0
    for (const [source, { rows }] of sources.entries()) {
      const [from, to] = [Math.max(first, begin), Math.min(first + count, begin + rows)]
      if (from < to) runs.push({ source, row: from - begin, index: from - first, step: 1, count: to - from })
      begin += rows
    }
    return runs
  }
}

/** Hugging Face rotates rows i and i + K/2 of a head together; the kernels want them next to each other. */
export function halvesToNeighbours(headDim: number): (row: number) => number {
  return (row) => {
    const inHead = row % headDim
    return row - inHead + (inHead % 2) * (headDim / 2) + Math.floor(inHead / 2)
  }
}

/** Rows of one source that follow one another there, and their places: so many rows apart, the first at `index`. */
export interface Run {
  readonly source: number
  /** The first row, in the source. */
  readonly row: number
  readonly index: number
  readonly step: number
  readonly count: number
}

/** Rows `first` to `first + count` of a fused matrix, in the order of their sources. */
export function runsOf(sources: readonly Source[], map: RowMap, first: number, count: number): Run[] {
  return map(first, count).flatMap((run) => {
    const { order } = sources[run.source]!
    return order === undefined ? run : ordered(run, order)
  })
}

/** A run whose rows stand elsewhere in the file. */
function ordered({ source, row, index, step, count }: Run, order: (row: number) => number): Run[] {
  const runs: Run[] = []
  let begin = 0
  for (let i = 1; i <= count; i++) {
    if (i < count && order(row + i) === order(row + i - 1) + 1) continue
    runs.push({ source, row: order(row + begin), index: index + begin * step, step, count: i - begin })
    begin = i
  }
  return runs
}
