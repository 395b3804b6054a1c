/** How matrices that were quantized in groups of inputs lie on the GPU: with the bits of the file, at its size. */
import { groupedRowBytes, quantBits, zerosAt } from '../formats/grouped.ts'
import type { GroupedKind, Grouping } from '../formats/row-type.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { blockF8E4m3, blockInt4, blockInt8, groups, weightsBlocks, weightsColumns } from '../gpu/shaders-blocks.gen.ts'
import type { WeightBuffers, WeightLayout } from './weight-layouts.ts'

const MODULES = { int4: blockInt4, int8: blockInt8, f8_e4m3: blockF8E4m3 } as const satisfies Record<
  GroupedKind,
  unknown
>

const SCALE_TYPES = { f16: 0, bf16: 1, f32: 2 } as const

/**
 * The layout of rows of this grouping. Where groups are not runs of inputs, `tables` says the group of each input: row i
 * of the matrix goes by table i modulo their number.
 */
export function groupedLayout(grouping: Grouping, tables: readonly Uint16Array[] = []): WeightLayout {
  const rowBytes = (n: number) => groupedRowBytes(grouping, n)
  return {
    name: tables.length > 0 ? `${grouping.kind} by column` : grouping.kind,
    rowBytes,
    steps: tables.length > 0 ? 8 : 1,
    parts: (_, buffers, constants) => [
      part(tables.length > 0 ? weightsColumns : weightsBlocks, { bindings: {}, constants }),
      part(MODULES[grouping.kind], { bindings: { weights: buffers.quants }, constants: {} }),
      groupsPart(grouping, buffers, constants.K_BLOCKS, tables.length),
    ],
    exact: {},
    pack: undefined,
    grouping,
    tail: tables.length > 0 ? (n) => tail(tables, n) : undefined,
  }
}

function groupsPart(grouping: Grouping, { scales }: WeightBuffers, n: number, tables: number): ShaderPart {
  const { group, hasZeros, zero, scale } = grouping
  return part(groups, {
    bindings: { scales: scales! },
    constants: {
      GROUP_BLOCKS: Math.max(1, Math.floor(group / 32)),
      ROW_HALVES: groupedRowBytes(grouping, n).scales / 2,
      SCALE_TYPE: SCALE_TYPES[scale],
      ZEROS_AT: zerosAt(grouping),
      ZERO_BITS: hasZeros ? quantBits(grouping) : 0,
      ZERO: zero,
      TABLES_AT: scales!.size / 2 - tables * n * 32,
      TABLES: tables,
    },
  })
}

function tail(tables: readonly Uint16Array[], n: number): Uint8Array<ArrayBuffer> {
  const all = new Uint16Array(tables.length * n * 32)
  for (const [i, table] of tables.entries()) all.set(table, i * n * 32)
  return new Uint8Array(all.buffer)
}

/** The group of each of `cols` inputs. */
export function groupOfInputs({ columns, group }: Grouping, cols: number): Uint16Array {
  return columns ?? Uint16Array.from({ length: cols }, (_, i) => Math.floor(i / group))
}
