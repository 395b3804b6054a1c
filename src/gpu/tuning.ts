/** Which variants of the kernels a device computes with: one value, made here from what is known of the adapter. */

/**
 * What a recording is for: exactly one row, up to four, up to eight, up to 32 rows that decode (DECODE_ROWS), which have
 * little in common, or any number of rows of prompts. `batchClassOf` in kernels/shape.ts tells.
 */
export type BatchClass = 1 | 4 | 8 | 'decode' | 'many'

/**
 * `vector` reads the weights once for each row; `batch4` and `batch8` read them once for four or eight rows. The others are
 * loaded where a device uses them.
 */
export type MatmulVariant = 'vector' | 'batch4' | 'batch8' | RowsMatmul | GpuMatmul

/**
 * The matrix products of `kernels/rows-matmuls.ts`, for adapters that compute on the CPU. They read weights once for so many
 * rows, and each lane makes whole outputs by itself.
 */
export type RowsMatmul = 'rows1' | 'rows4' | 'rows8' | 'rows16'

/**
 * The matrix products of `kernels/gpu-matmuls.ts`. `vector_…` has so many threads in a workgroup, or, as `vector_lanes`, asks for
 * subgroups of 32 lanes where an adapter may make smaller ones; `split_…` has so many threads for each output. The others make
 * tiles of rows and outputs in workgroup memory, in f32 as `tile` does (32 rows x 64 outputs), in f16, in whole numbers of 8
 * bits, or with the matrix units of subgroups.
 */
export type GpuMatmul =
  | 'vector_128'
  | 'vector_256'
  | 'vector_lanes'
  | 'split_64'
  | 'split_256'
  | 'tile'
  | 'tile_16x64'
  | 'tile_64x64'
  | 'tile_32x128'
  | 'f16_32x64'
  | 'f16_64x64'
  | 'int8_32x64'
  | 'int8_64x64'
  | 'int8_64x128'
  | 'matrix'

/**
 * How attention shares what it reads: `rows` takes one row at a time in workgroup memory, `tiles` neighbouring rows of a prompt
 * together. `lanes` takes a row in the registers of a subgroup; where there is none, and for heads that do not fit, it is `rows`.
 */
export type AttentionVariant = 'rows' | 'tiles' | 'lanes'

export interface Tuning {
  /** Load f16 weights and keys as `f16`, which needs the feature `shader-f16`, instead of unpacking words. */
  readonly nativeF16: boolean
  /**
   * Lanes that exchange values in order inside a subgroup, a power of two. 0 selects the variants without subgroups,
   * where subgroups are absent or do not number their lanes like the workgroup.
   */
  readonly subgroupLanes: number
  /** The matmul for each class of batch. */
  readonly matmul: Readonly<Record<BatchClass, MatmulVariant>>
  /** The matmuls that suit this device better, by layout, outputs and batch. */
  readonly choices?: Readonly<Record<string, MatmulVariant>> | undefined
  /**
   * For each class of batch, whether the norms of a layer are folded into the products before and after them, which saves
   * two dispatches a layer and costs each workgroup of a product a look at the squares of its rows.
   */
  readonly foldedNorms: Readonly<Record<BatchClass, boolean>>
  /** Neighbouring dispatches share a bind group where they can, which saves time on the CPU and costs some compiling. */
  readonly sharedBindGroups: boolean
  readonly attention: AttentionVariant
  /** Keys that are worth a workgroup of their own when a batch decodes. */
  readonly keysPerSplit: number
  /** Bytes that a piece of a matrix takes at most, where that is to be less than a binding holds. */
  readonly pieceBytes?: number | undefined
  /** @internal For tests: weights of a matrix from which on `rows…` binds rows of x as uniforms. */
  readonly uniformRows?: number | undefined
}

/** Matrices with fewer outputs than this cannot keep a GPU busy with tiles alone. */
const FEW_OUTPUTS = 8192

/** Matrices that a choice is made for together: of a layout, of about so many outputs, for a class of batches. */
export function choiceKey(layout: string, outputs: number, batchClass: BatchClass): string {
  return `${layout} ${outputs < FEW_OUTPUTS ? 'few' : 'many'} outputs, ${batchClass}`
}

/** The matmul for a matrix of this layout and number of outputs. */
export function matmulFor(tuning: Tuning, layout: string, outputs: number, batchClass: BatchClass): MatmulVariant {
  return tuning.choices?.[choiceKey(layout, outputs, batchClass)] ?? tuning.matmul[batchClass]
}

/** What the choice of variants depends on. */
export interface AdapterFacts {
  /** The adapter computes on the CPU. */
  readonly software: boolean
  readonly features: ReadonlySet<string>
  /** As the trial run of subgroups.ts found it; 0 without subgroups. */
  readonly subgroupLanes: number
}

/** For GPUs, where reading weights again costs more than barriers do. */
export const HARDWARE = {
  matmul: { 1: 'vector', 4: 'batch4', 8: 'batch8', decode: 'batch8', many: 'tile' },
  foldedNorms: { 1: true, 4: true, 8: true, decode: true, many: false },
  sharedBindGroups: true,
  attention: 'tiles',
  keysPerSplit: 64,
} as const satisfies Partial<Tuning>

/**
 * For software adapters without subgroups. On the CPU, compiling another kernel costs more than a few rows do, and the barriers of the
 * tiled kernels cost more than reading the operands again: one matmul for few rows, one for many, and an attention without
 * barriers.
 */
export const SOFTWARE = {
  matmul: { 1: 'vector', 4: 'vector', 8: 'vector', decode: 'vector', many: 'batch8' },
  foldedNorms: { 1: false, 4: false, 8: false, decode: false, many: false },
  sharedBindGroups: false,
  attention: 'lanes',
  keysPerSplit: 256,
} as const satisfies Partial<Tuning>

/** For software adapters with subgroups, whose lanes can share what they load: loads cost them most. */
export const SHARING = {
  ...SOFTWARE,
  matmul: { 1: 'rows1', 4: 'rows4', 8: 'rows8', decode: 'rows8', many: 'rows8' },
} as const satisfies Partial<Tuning>

export function tuningFor({ software, features, subgroupLanes }: AdapterFacts): Tuning {
  const onCpu = subgroupLanes > 0 ? SHARING : SOFTWARE
  return { nativeF16: features.has('shader-f16'), subgroupLanes, ...(software ? onCpu : HARDWARE) }
}
