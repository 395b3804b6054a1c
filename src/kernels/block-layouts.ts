/**
 * The layouts of GGUF's block types on the GPU, but for those of `grid-layouts.ts`. They are loaded for files that have such
 * matrices.
 */
import type { BlockName, GridName } from '../formats/blocks.ts'
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
import { blockRowBytes, copyBlockRow, copyMxfp4, type PackedName } from './pack-blocks.ts'
import { WORD_COPIES } from './pack-words.ts'
import { type Copy, copyQ4 } from './quantize.ts'
import type { WeightLayout } from './weight-layouts.ts'

type Parts = TypedShader<'weights' | 'scales'>

function blocks(
  name: string,
  module: Parts,
  { rowBytes, copy }: { rowBytes: WeightLayout['rowBytes']; copy: Copy },
): WeightLayout {
  return {
    name,
    rowBytes,
    steps: 1,
    parts: (_, { quants: weights, scales }, constants) => [
      part(weightsBlocks, { bindings: {}, constants }),
      part(module, { bindings: { weights, scales: scales! }, constants: {} }),
      part(unpack, { bindings: {}, constants: {} }),
    ],
    exact: { [name]: copy },
    pack: undefined,
  }
}

/** A block type of GGUF, at its own size. Only padding to whole words is added. */
function ggufBlocks(name: PackedName, module: Parts): WeightLayout {
  return blocks(name, module, {
    rowBytes: (n) => blockRowBytes(name, n),
    copy: WORD_COPIES[name] ?? copyBlockRow(name),
  })
}

/** As Q4_0, with scales of so many bytes that follow one another through all rows. */
function nibbleBlocks(name: 'iq4_nl' | 'mxfp4', module: Parts, scale: number, copy: Copy): WeightLayout {
  return blocks(name, module, { rowBytes: (n) => ({ quants: n * 16, scales: n * scale }), copy })
}

export const BLOCK_LAYOUTS: Readonly<Record<Exclude<BlockName, GridName>, WeightLayout>> = {
  q4_1: ggufBlocks('q4_1', blockQ41),
  q5_0: ggufBlocks('q5_0', blockQ50),
  q5_1: ggufBlocks('q5_1', blockQ51),
  iq4_nl: nibbleBlocks('iq4_nl', blockIq4Nl, 2, copyQ4),
  mxfp4: nibbleBlocks('mxfp4', blockMxfp4, 1, copyMxfp4),
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
