/** How matrices may lie on the GPU. A new quantization is an entry here, one in `STORED_TYPES`, and a `.wgsl`. */
import type { StoredDtype } from '../formats/blocks.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { weightsBf16, weightsF16, weightsF16Native, weightsF32, weightsQ4, weightsQ8 } from '../gpu/shaders.gen.ts'
import {
  type Copy,
  copyBytes,
  copyQ4,
  copyQ8,
  type Pack,
  packBf16,
  packF16,
  packF32,
  packQ4,
  packQ8,
  widenQ4,
} from './quantize.ts'

/** The buffers of one matrix. */
export interface WeightBuffers {
  readonly quants: Buffer
  /** undefined where the layout has no scales. */
  readonly scales: Buffer | undefined
}

/** One way to lay out rows of weights. Blocks of 32 inputs follow one another, in one buffer or in two. */
export interface WeightLayout {
  readonly name: string
  /** Bytes of a block's elements, a multiple of 16. */
  readonly blockBytes: number
  /** Bytes of a block's scales, which have a buffer of their own; 0 where there are none. */
  readonly scaleBytes: number
  /** The shader part that reads a matrix of this layout. */
  readonly part: (gpu: Gpu, buffers: WeightBuffers, constants: { readonly K_BLOCKS: number }) => ShaderPart
  /** The types of the file whose rows the layout holds without loss, and how they are taken over. */
  readonly exact: Readonly<Partial<Record<StoredDtype, Copy>>>
  /** Rounds any values. */
  readonly pack: Pack
}

/** The layouts by their names. */
export const WEIGHT_LAYOUTS = {
  f32: {
    name: 'f32',
    blockBytes: 128,
    scaleBytes: 0,
    part: (_, { quants: weights }, constants) => part(weightsF32, { bindings: { weights }, constants }),
    exact: { f32: copyBytes },
    pack: packF32,
  },
  f16: {
    name: 'f16',
    blockBytes: 64,
    scaleBytes: 0,
    part: (gpu, { quants: weights }, constants) =>
      part(gpu.tuning.nativeF16 ? weightsF16Native : weightsF16, { bindings: { weights }, constants }),
    exact: { f16: copyBytes },
    pack: packF16,
  },
  bf16: {
    name: 'bf16',
    blockBytes: 64,
    scaleBytes: 0,
    part: (_, { quants: weights }, constants) => part(weightsBf16, { bindings: { weights }, constants }),
    exact: { bf16: copyBytes },
    pack: packBf16,
  },
  q8: {
    name: 'q8',
    blockBytes: 32,
    scaleBytes: 2,
    part: (_, { quants: weights, scales }, constants) =>
      part(weightsQ8, { bindings: { weights, scales: scales! }, constants }),
    exact: { q8_0: copyQ8, q4_0: widenQ4 },
    pack: packQ8,
  },
  q4: {
    name: 'q4',
    blockBytes: 16,
    scaleBytes: 2,
    part: (_, { quants: weights, scales }, constants) =>
      part(weightsQ4, { bindings: { weights, scales: scales! }, constants }),
    exact: { q4_0: copyQ4 },
    pack: packQ4,
  },
} as const satisfies Readonly<Record<string, WeightLayout>>

export type WeightDtype = keyof typeof WEIGHT_LAYOUTS
