/** How matrices may lie on the GPU. A new quantization is an entry here, one in `STORED_TYPES`, and a `.wgsl`. */
import type { StoredDtype } from '../formats/blocks.ts'
import type { Grouping } from '../formats/row-type.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import {
  halvesBf16,
  halvesF16,
  weightsF16Native,
  weightsF32,
  weightsHalves,
  weightsQ4,
  weightsQ8,
} from '../gpu/shaders.gen.ts'
import { type Copy, copyBytes, copyQ4, copyQ8, type Pack, packF32, widenQ4 } from './quantize.ts'

/** The buffers of one matrix. */
export interface WeightBuffers {
  readonly quants: Buffer
  /** undefined where the layout has no scales. */
  readonly scales: Buffer | undefined
}

/** One way to lay out rows of weights. Blocks of 32 inputs follow one another, in one buffer or in two. */
export interface WeightLayout {
  readonly name: string
  /** Bytes of a row of n blocks: its elements, and its scales, which have a buffer of their own where there are any. */
  readonly rowBytes: (n: number) => { readonly quants: number; readonly scales: number }
  /** Steps that a lane of the vector kernel takes in one block: `8 / QUADS_PER_STEP` of the shader part. */
  readonly steps: number
  /** The shader parts that read a matrix of this layout. */
  readonly parts: (gpu: Gpu, buffers: WeightBuffers, constants: { readonly K_BLOCKS: number }) => readonly ShaderPart[]
  /** The types of the file whose rows the layout holds without loss, and how they are taken over. */
  readonly exact: Readonly<Partial<Record<StoredDtype, Copy>>>
  /** Rounds any values; undefined where only rows of the file are taken over. `rounding.ts` rounds to fewer bits. */
  readonly pack: Pack | undefined
  /** Rows of this grouping are taken over as they are; `grouped-layout.ts` has the layouts of such rows. */
  readonly grouping?: Grouping | undefined
  /** What stands behind the scales of all rows of n blocks. */
  readonly tail?: ((n: number) => Uint8Array<ArrayBuffer>) | undefined
}

/** Rows whose blocks have a fixed size. */
function plainRows(quants: number, scales = 0): WeightLayout['rowBytes'] {
  return (n) => ({ quants: n * quants, scales: n * scales })
}

/** The layouts by their names; those of GGUF's block types are in `block-layouts.ts`. */
export const WEIGHT_LAYOUTS = {
  f32: {
    name: 'f32',
    rowBytes: plainRows(128),
    steps: 8,
    parts: (_, { quants: weights }, constants) => [part(weightsF32, { bindings: { weights }, constants })],
    exact: { f32: copyBytes },
    pack: packF32,
  },
  f16: {
    name: 'f16',
    rowBytes: plainRows(64),
    steps: 4,
    parts: (gpu, { quants: weights }, constants) =>
      gpu.tuning.nativeF16
        ? [part(weightsF16Native, { bindings: { weights }, constants })]
        : [part(weightsHalves, { bindings: { weights }, constants }), part(halvesF16, { bindings: {}, constants: {} })],
    exact: { f16: copyBytes },
    pack: undefined,
  },
  bf16: {
    name: 'bf16',
    rowBytes: plainRows(64),
    steps: 4,
    parts: (_, { quants: weights }, constants) => [
      part(weightsHalves, { bindings: { weights }, constants }),
      part(halvesBf16, { bindings: {}, constants: {} }),
    ],
    exact: { bf16: copyBytes },
    pack: undefined,
  },
  q8: {
    name: 'q8',
    rowBytes: plainRows(32, 2),
    steps: 2,
    parts: (_, { quants: weights, scales }, constants) => [
      part(weightsQ8, { bindings: { weights, scales: scales! }, constants }),
    ],
    exact: { q8_0: copyQ8, q4_0: widenQ4 },
    pack: undefined,
  },
  q4: {
    name: 'q4',
    rowBytes: plainRows(16, 2),
    steps: 1,
    parts: (_, { quants: weights, scales }, constants) => [
      part(weightsQ4, { bindings: { weights, scales: scales! }, constants }),
    ],
    exact: { q4_0: copyQ4 },
    pack: undefined,
  },
} as const satisfies Readonly<Record<string, WeightLayout>>

export type WeightDtype = keyof typeof WEIGHT_LAYOUTS
