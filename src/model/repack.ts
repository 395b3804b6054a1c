/** Converts rows of a file to the layout that they get on the GPU: exactly where that can hold them. */
import { decodeToF32, STORED_TYPES, type StoredDtype } from '../formats/blocks.ts'
import type { PackedRow } from '../kernels/quantize.ts'
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
export async function nativeLayout(stored: readonly StoredDtype[]): Promise<WeightLayout> {
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
  const { BLOCK_LAYOUTS } = await import('../kernels/block-layouts.ts')
  return BLOCK_LAYOUTS[name]
}

function isPlain(name: string): name is WeightDtype {
  return Object.hasOwn(WEIGHT_LAYOUTS, name)
}

/** Converts one row of the file to row `index` of the packed rows. */
export function packRow(from: StoredDtype, stored: Uint8Array, to: PackedRows, index: number): void {
  const { layout, cols } = to
  const bytes = rowBytes(layout, cols)
  const row: PackedRow = {
    quants: to.quants.subarray(index * bytes.quants, (index + 1) * bytes.quants),
    scales: to.scales.subarray(index * bytes.scales, (index + 1) * bytes.scales),
  }
  const copy = layout.exact[from]
  if (copy !== undefined) copy(stored, row)
  else if (layout.pack !== undefined) layout.pack(decodeToF32(from, stored), row)
  else throw new RangeError(`${from} cannot become ${layout.name}`)
}
