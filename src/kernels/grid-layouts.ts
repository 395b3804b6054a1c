/**
 * The layouts of GGUF's IQ1, IQ2 and IQ3 types on the GPU. Rows keep the words of the file, all in one buffer; in the place
 * of the scales stands the grid that their indexes mean, once for all matrices of a device.
 */
import type { GridName } from '../formats/blocks.ts'
import { GRID_BLOCKS, GRIDS } from '../formats/ggml-grid-blocks.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { part, type TypedShader } from '../gpu/shader.ts'
import {
  blockIq1M,
  blockIq1S,
  blockIq2S,
  blockIq2Xs,
  blockIq2Xxs,
  blockIq3S,
  blockIq3Xxs,
  unpack,
  weightsBlocks,
} from '../gpu/shaders-blocks.gen.ts'
import { type Copy, rowByRow } from './quantize.ts'
import type { WeightLayout } from './weight-layouts.ts'

type Grid = keyof typeof GRIDS

/** A super-block of 256 inputs begins with an f16, but that of IQ1_M, whose bits lie among its scales. */
function gridBlocks(name: GridName, grid: Grid, module: TypedShader<'weights' | 'grid'>): WeightLayout {
  const hasScale = name !== 'iq1_m'
  const words = Math.floor(GRID_BLOCKS[name].bytes / 4)
  const rowWords = (n: number) => (n / 8) * words + (hasScale ? Math.ceil(n / 16) : 0)
  return {
    name,
    rowBytes: (n) => ({ quants: rowWords(n) * 4, scales: 0 }),
    steps: 1,
    parts: (gpu, { quants: weights }, constants) => [
      part(weightsBlocks, { bindings: {}, constants }),
      part(module, { bindings: { weights, grid: gridBuffer(gpu, grid) }, constants: {} }),
      part(unpack, { bindings: {}, constants: {} }),
    ],
    exact: { [name]: copyWords(GRID_BLOCKS[name].bytes, hasScale) },
    pack: undefined,
  }
}

/** All words of a row's super-blocks, then their f16 numbers. */
function copyWords(size: number, hasScale: boolean): Copy {
  const begin = hasScale ? 2 : 0
  return rowByRow((stored, { quants }) => {
    const blocks = stored.byteLength / size
    for (let i = 0; i < blocks; i++) {
      const block = stored.subarray(i * size, (i + 1) * size)
      quants.set(block.subarray(begin), i * (size - begin))
      if (hasScale) quants.set(block.subarray(0, 2), blocks * (size - begin) + 2 * i)
    }
  })
}

const buffers = new WeakMap<GPUDevice, Map<Grid, Buffer>>()

/** The grid on this device; it lives as long as the device. */
function gridBuffer(gpu: Gpu, grid: Grid): Buffer {
  const known = buffers.get(gpu.device) ?? new Map<Grid, Buffer>()
  buffers.set(gpu.device, known)
  const made = known.get(grid)
  if (made !== undefined) return made
  const data = gridData(grid)
  const buffer = gpu.createBuffer(`grid ${grid}`, data.byteLength)
  gpu.write(buffer, 0, data)
  known.set(grid, buffer)
  return buffer
}

const SIZES: Readonly<Record<Exclude<Grid, 'iq1'>, readonly number[]>> = {
  iq2_xxs: GRID_BLOCKS.iq2_xxs.value,
  iq2_xs: GRID_BLOCKS.iq2_xs.value,
  iq2_s: GRID_BLOCKS.iq2_s.value,
  iq3_xxs: GRID_BLOCKS.iq3_xxs.value,
  iq3_s: GRID_BLOCKS.iq3_s.value,
}

/** A byte for each number of the grid; of IQ1's, which are 0, 1 and 2, eight to a word as in `block_q4_1.wgsl`. */
function gridData(grid: Grid): Uint8Array<ArrayBuffer> {
  const codes = GRIDS[grid]
  if (grid !== 'iq1') return Uint8Array.from(codes, (code) => SIZES[grid][code]!)
  const place = (byte: number) => 8 * (byte >> 2) + (byte & 3)
  return Uint8Array.from({ length: codes.length / 2 }, (_, i) => codes[place(i)]! | (codes[place(i) + 4]! << 4))
}

export const GRID_LAYOUTS: Readonly<Record<GridName, WeightLayout>> = {
  iq1_s: gridBlocks('iq1_s', 'iq1', blockIq1S),
  iq1_m: gridBlocks('iq1_m', 'iq1', blockIq1M),
  iq2_xxs: gridBlocks('iq2_xxs', 'iq2_xxs', blockIq2Xxs),
  iq2_xs: gridBlocks('iq2_xs', 'iq2_xs', blockIq2Xs),
  iq2_s: gridBlocks('iq2_s', 'iq2_s', blockIq2S),
  iq3_xxs: gridBlocks('iq3_xxs', 'iq3_xxs', blockIq3Xxs),
  iq3_s: gridBlocks('iq3_s', 'iq3_s', blockIq3S),
}
