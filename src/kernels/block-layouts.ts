/**
 * The layouts of GGUF's block types on the GPU, but for those of `grid-layouts.ts`. They are loaded for files that have such
 * matrices.
 */
import { part, type TypedShader } from '../gpu/shader.ts'
import {
  blockIq4Nl,
  blockIq4Xs,
  blockMxfp4,
  blockNvfp4,
  blockQ2K,
  blockQ3K,
  blockQ4K,
  blockQ5K,
  blockQ6K,
  blockQ10,
  blockQ41,
  blockQ50,
  blockQ51,
  blockTq10,
  blockTq20,
  unpack,
  weightsBlocks,
} from '../gpu/shaders-blocks.gen.ts'
import { blockRowBytes, copyBlockRow, type PackedName } from './pack-blocks.ts'
import type { WeightLayout } from './weight-layouts.ts'

/** A block type of GGUF, at its own size. Only padding to whole words is added. */
function ggufBlocks(name: PackedName, module: TypedShader<'weights' | 'scales'>): WeightLayout {
  return {
    name,
    rowBytes: (n) => blockRowBytes(name, n),
    steps: 1,
    parts: (_, { quants: weights, scales }, constants) => [
      part(weightsBlocks, { bindings: {}, constants }),
      part(module, { bindings: { weights, scales: scales! }, constants: {} }),
      part(unpack, { bindings: {}, constants: {} }),
    ],
    exact: { [name]: copyBlockRow(name) },
    pack: undefined,
  }
}

export const BLOCK_LAYOUTS: Readonly<Record<PackedName, WeightLayout>> = {
  q4_1: ggufBlocks('q4_1', blockQ41),
  q5_0: ggufBlocks('q5_0', blockQ50),
  q5_1: ggufBlocks('q5_1', blockQ51),
  iq4_nl: ggufBlocks('iq4_nl', blockIq4Nl),
  mxfp4: ggufBlocks('mxfp4', blockMxfp4),
  nvfp4: ggufBlocks('nvfp4', blockNvfp4),
  q1_0: ggufBlocks('q1_0', blockQ10),
  q2_k: ggufBlocks('q2_k', blockQ2K),
  q3_k: ggufBlocks('q3_k', blockQ3K),
  q4_k: ggufBlocks('q4_k', blockQ4K),
  q5_k: ggufBlocks('q5_k', blockQ5K),
  q6_k: ggufBlocks('q6_k', blockQ6K),
  iq4_xs: ggufBlocks('iq4_xs', blockIq4Xs),
  tq1_0: ggufBlocks('tq1_0', blockTq10),
  tq2_0: ggufBlocks('tq2_0', blockTq20),
}
