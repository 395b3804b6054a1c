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
import type { PackedRow, RoundingSums } from '../kernels/quantize.ts'
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
  const { layout, cols } = to
  const bytes = rowBytes(layout, cols)
  const row: PackedRow = {
    quants: to.quants.subarray(index * bytes.quants, (index + 1) * bytes.quants),
    scales: to.scales.subarray(index * bytes.scales, (index + 1) * bytes.scales),
  }
  const copy = typeof from === 'string' ? layout.exact[from] : layout.grouping && copyRow
  if (copy !== undefined) copy(stored, row)
  else if (layout.pack !== undefined) layout.pack(decodeToF32(from, stored), row, sums)
  else throw new RangeError(`${typeName(from)} cannot become ${layout.name}`)
}

/** Rows that were made for the layout: the quants, then the scales. */
function copyRow(stored: Uint8Array, { quants, scales }: PackedRow): void {
  quants.set(stored.subarray(0, quants.byteLength))
  scales.set(stored.subarray(quants.byteLength))
}
