/** What is known of a matrix whose rows were quantized in groups of inputs. */

export type GroupedKind = 'int4' | 'int8' | 'f8_e4m3'
export type ScaleType = 'f16' | 'bf16' | 'f32'

/** How the inputs of a row stand for numbers: w = scale · (quant − zero). */
export interface Grouping {
  /** `int4` and `int8` are unsigned. */
  readonly kind: GroupedKind
  /** Inputs that share a scale: a multiple of 32. Of no effect where `columns` says it. */
  readonly group: number
  /** Scales of a row. */
  readonly groups: number
  readonly scale: ScaleType
  /** Whether each group has a zero point of its own, of as many bits as a quant. */
  readonly hasZeros: boolean
  /** The zero point of all groups, or what is added to those that they have. */
  readonly zero: number
  /** The group of each input, where groups are not runs of inputs. */
  readonly columns: Uint16Array | undefined
}

/** The type of a matrix whose row is one block. */
export interface RowType {
  readonly elements: number
  readonly bytes: number
  readonly decode: (bytes: Uint8Array, out: Float32Array) => void
  readonly grouping: Grouping
}

/** Whether rows of both lie on the GPU in one layout. */
export function sameGrouping(a: Grouping, b: Grouping): boolean {
  return sameButColumns(a, b) && sameColumns(a.columns, b.columns)
}

/** As `sameGrouping`, but inputs may be in other groups. */
export function sameButColumns(a: Grouping, b: Grouping): boolean {
  const keys = ['kind', 'groups', 'scale', 'hasZeros', 'zero'] as const
  const both = a.columns !== undefined && b.columns !== undefined
  const one = (a.columns ?? b.columns) !== undefined
  return keys.every((key) => a[key] === b[key]) && (both || (!one && a.group === b.group))
}

function sameColumns(a: Uint16Array | undefined, b: Uint16Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((group, i) => group === b[i])
}
