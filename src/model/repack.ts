/** Converts rows of a file to the layout that they get on the GPU: exactly where that can hold them. */
import {
  decodeToF32,
  isGridName,
  type MatrixType,
  STORED_TYPES,
  type StoredDtype,
  typeName,
} from '../formats/blocks.ts'
import { type RowType, sameButColumns, sameGrouping } from '../formats/row-type.ts'
import { type Copy, copyBytes, type PackedRow, type RoundingSums, rowByRow } from '../kernels/quantize.ts'
import { BLOCK } from '../kernels/shape.ts'
import { rowBytes } from '../kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightDtype, type WeightLayout } from '../kernels/weight-layouts.ts'

/** Rows in the GPU's layout, on their way there. */
export interface PackedRows extends PackedRow {
  readonly layout: WeightLayout
  readonly cols: number
}

export function createPackedRows(layout: WeightLayout, rows: number, cols: number): PackedRows {
  const row = rowBytes(layout, cols)
  return {
    layout,
    cols,
    quants: new Uint8Array(rows * row.quants),
    // Bytes go to a buffer in whole words.
    scales: new Uint8Array(Math.ceil((rows * row.scales) / 4) * 4),
  }
}

/** Room for packed rows that is used again and again: whoever got some must be done with it when others are asked for. */
export class Scratch {
  private quants = new Uint8Array()
  private scales = new Uint8Array()

  rows(layout: WeightLayout, rows: number, cols: number): PackedRows {
    const row = rowBytes(layout, cols)
    const [quants, scales] = [rows * row.quants, Math.ceil((rows * row.scales) / 4) * 4]
    if (this.quants.byteLength < quants) this.quants = new Uint8Array(quants)
    if (this.scales.byteLength < scales) this.scales = new Uint8Array(scales)
    const packed = { layout, cols, quants: this.quants.subarray(0, quants), scales: this.scales.subarray(0, scales) }
    // Whole blocks of these are written over; others have padding, or are put together bit by bit.
    const overwritten = cols % BLOCK === 0 && isPlain(layout.name)
    if (!overwritten) packed.quants.fill(0)
    // What fills the last word of the scales is no row's.
    packed.scales.fill(0, overwritten ? rows * row.scales : 0)
    return packed
  }
}

/** Whether rows of the file are those of the layout, byte by byte. */
export function takesAsTheyAre(from: MatrixType, layout: WeightLayout, cols: number): boolean {
  return typeof from === 'string' && layout.exact[from] === copyBytes && cols % BLOCK === 0
}

/**
 * The layout that matrices of these file types get together: the one that is meant for them when they agree, the smallest
 * that holds all of them without loss when they do not, else f32.
 */
export async function nativeLayout(types: readonly MatrixType[]): Promise<WeightLayout> {
  const rows = types.filter((type) => typeof type !== 'string')
  if (rows.length > 0) {
    return (rows.length === types.length ? await layoutOfRows(rows) : undefined) ?? WEIGHT_LAYOUTS.f32
  }
  const stored = types as readonly StoredDtype[]
  const meant = new Set(stored.map((dtype) => STORED_TYPES[dtype].keptAs))
  const [only] = meant
  if (only !== undefined && meant.size === 1) return layoutOf(only)
  const holding = Object.values<WeightLayout>(WEIGHT_LAYOUTS).filter(({ exact }) =>
    stored.every((dtype) => exact[dtype] !== undefined),
  )
  const size = ({ rowBytes }: WeightLayout) => rowBytes(BLOCK).quants + rowBytes(BLOCK).scales
  return holding.sort((a, b) => size(a) - size(b))[0] ?? WEIGHT_LAYOUTS.f32
}

async function layoutOf(name: (typeof STORED_TYPES)[StoredDtype]['keptAs']): Promise<WeightLayout> {
  if (isPlain(name)) return WEIGHT_LAYOUTS[name]
  if (isGridName(name)) return (await import('../kernels/grid-layouts.ts')).GRID_LAYOUTS[name]
  return (await import('../kernels/block-layouts.ts')).BLOCK_LAYOUTS[name]
}

function isPlain(name: string): name is WeightDtype {
  return Object.hasOwn(WEIGHT_LAYOUTS, name)
}

/** undefined when the rows cannot lie in one matrix. Rows of several types take turns in it. */
async function layoutOfRows(types: readonly RowType[]): Promise<WeightLayout | undefined> {
  const { groupedLayout, groupOfInputs } = await import('../kernels/grouped-layout.ts')
  const { grouping, elements } = types[0]!
  if (types.every((type) => sameGrouping(type.grouping, grouping))) {
    return groupedLayout(grouping, grouping.columns === undefined ? [] : [grouping.columns])
  }
  if (grouping.kind === 'f8_e4m3' || !types.every((type) => sameButColumns(type.grouping, grouping))) return undefined
  return groupedLayout(
    grouping,
    types.map((type) => groupOfInputs(type.grouping, elements)),
  )
}

/** Whether matrices of both types have one layout when they stand one after another. */
export function haveOneLayout(a: MatrixType, b: MatrixType): boolean {
  if (typeof a === 'string' && typeof b === 'string') return STORED_TYPES[a].keptAs === STORED_TYPES[b].keptAs
  return typeof a !== 'string' && typeof b !== 'string' && sameGrouping(a.grouping, b.grouping)
}

/** Converts one row of the file to row `index` of the packed rows. `sums` gets what is lost where it is rounded. */
export function packRow(
  from: MatrixType,
  stored: Uint8Array,
  to: PackedRows,
  index: number,
  sums?: RoundingSums,
): void {
  packRows(from, stored, to, { index, step: 1, count: 1 }, sums)
}

/** Where rows of the file go: `count` rows, the first to row `index`, the others `step` rows apart. */
export interface RowPlaces {
  readonly index: number
  readonly step: number
  readonly count: number
}

/** Converts rows of the file that follow one another. */
export function packRows(
  from: MatrixType,
  stored: Uint8Array,
  to: PackedRows,
  { index, step, count }: RowPlaces,
  sums?: RoundingSums,
): void {
  const { layout, cols } = to
  const row = rowBytes(layout, cols)
  const { pack } = layout
  const copy = typeof from === 'string' ? layout.exact[from] : layout.grouping && copyGrouped
  const first: PackedRow = {
    quants: to.quants.subarray(index * row.quants, (index + step * (count - 1) + 1) * row.quants),
    scales: to.scales.subarray(index * row.scales, (index + step * (count - 1) + 1) * row.scales),
  }
  const run = { count, from: stored.byteLength / count, quants: step * row.quants, scales: step * row.scales, row }
  if (copy === undefined && pack === undefined) throw new RangeError(`${typeName(from)} cannot become ${layout.name}`)
  let values: Float32Array | undefined
  const round = (one: Uint8Array, packed: PackedRow) => {
    values = decodeToF32(from, one, values)
    pack!(values, packed, sums)
  }
  const convert = copy ?? rowByRow(round)
  convert(stored, first, count === 1 ? undefined : run)
}

/** Rows that were made for the layout: the quants, then the scales. */
const copyGrouped: Copy = rowByRow((stored, { quants, scales }) => {
  quants.set(stored.subarray(0, quants.byteLength))
  scales.set(stored.subarray(quants.byteLength))
})
