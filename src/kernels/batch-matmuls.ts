/** The matrix products that read each weight once for four or eight rows. They are loaded where a device uses one. */
import type { Gpu } from '../gpu/device.ts'
import { part } from '../gpu/shader.ts'
import { MATMUL_BATCH } from '../gpu/shaders.gen.ts'
import { laneSumSubgroup, laneSumWorkgroup, matmulBatch } from '../gpu/shaders-batch.gen.ts'
import type { Kernel, MakeMatmul, MatmulTools, Product } from './linear.ts'
import { ceilDiv } from './shape.ts'

export const BATCH_MATMULS = {
  batch4: (gpu, product, tools) => batch(gpu, product, tools, false),
  batch8: (gpu, product, tools) => batch(gpu, product, tools, true),
} as const satisfies Record<string, MakeMatmul>

function batch(gpu: Gpu, product: Product, { lanes, shared }: MatmulTools, wide: boolean): Kernel {
  const { weight, rows } = product
  const { LANES, GROUPS, subgroups } = lanes(gpu, ceilDiv(weight.cols, 4), 16)
  const { bindings, constants } = shared(product)
  const laneSum = part(subgroups ? laneSumSubgroup : laneSumWorkgroup, { bindings: {}, constants: {} })
  const body = [part(matmulBatch, { bindings, constants: { ...constants, LANES, GROUPS, WIDE: wide } }), laneSum]
  const { OUTPUTS, ROWS, WIDE_ROWS } = MATMUL_BATCH
  return { body, size: [ceilDiv(weight.rows, OUTPUTS * GROUPS), (b) => ceilDiv(b[rows], wide ? WIDE_ROWS : ROWS)] }
}
