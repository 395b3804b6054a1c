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

/** Which row of which source stands at a row of the fused matrix. */
export type RowMap = (row: number) => { source: number; row: number }

export const inOrder: RowMap = (row) => ({ source: 0, row })
export const interleaved: RowMap = (row) => ({ source: row % 2, row: Math.floor(row / 2) })

export function oneAfterAnother(sources: readonly Source[]): RowMap {
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

/** Rows of one source that follow one another there, and their places: so many rows apart, the first at `index`. */
export interface Run {
  readonly source: number
  /** The first row, in the source. */
  readonly row: number
  readonly index: number
  readonly step: number
  readonly count: number
}

/** Rows `first` to `first + count` of a fused matrix as few runs. */
export function runsOf(sources: readonly Source[], map: RowMap, first: number, count: number): Run[] {
  const done: Run[] = []
  const open = sources.map((): (Run & { count: number; step: number }) | undefined => undefined)
  for (let index = 0; index < count; index++) {
    const { source, row: plain } = map(first + index)
    const row = sources[source]!.order?.(plain) ?? plain
    const run = open[source]
    const step = run === undefined ? 0 : run.count === 1 ? index - run.index : run.step
    if (run !== undefined && row === run.row + run.count && index === run.index + step * run.count) {
      Object.assign(run, { count: run.count + 1, step })
    } else {
      if (run !== undefined) done.push(run)
      open[source] = { source, row, index, step: 1, count: 1 }
    }
  }
  return [...done, ...open.flatMap((run) => run ?? [])]
}
