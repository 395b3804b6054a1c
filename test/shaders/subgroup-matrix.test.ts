/** The kernel of matrix units, which no adapter of these tests has: Dawn's backend that executes nothing compiles it. */
import { expect, test } from 'vitest'
import { create } from 'webgpu'
import { compose, type ShaderModule, type ShaderPart } from '../../src/gpu/shader.ts'
import * as common from '../../src/gpu/shaders.gen.ts'
import * as blocks from '../../src/gpu/shaders-blocks.gen.ts'
import { matmulMatrix } from '../../src/gpu/shaders-gpu.gen.ts'
import { requiredConstants } from '../support/shaders.ts'

// It is kept for the life of the process, as Dawn wants it.
const dawn = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])

const READERS: Readonly<Record<string, readonly ShaderModule[]>> = {
  q4: [common.weightsQ4],
  f16: [common.weightsF16Native],
  q4_k: [blocks.weightsBlocks, blocks.blockQ4K, blocks.unpack],
}
const UNITS = [
  { M: 8, UNIT_N: 8, K: 8, SUBGROUP: 32 },
  { M: 16, UNIT_N: 16, K: 16, SUBGROUP: 64 },
]

function use(module: ShaderModule, constants: Record<string, number> = {}): ShaderPart {
  const required = Object.fromEntries(requiredConstants(module).map((name) => [name, 64]))
  return { module, bindings: {}, constants: { ...required, ...constants } }
}

test('is a pipeline for the units that adapters have', async () => {
  const adapter = (await dawn.requestAdapter())!
  const requiredFeatures = ['chromium-experimental-subgroup-matrix', 'subgroups', 'shader-f16'] as GPUFeatureName[]
  expect(requiredFeatures.every((name) => adapter.features.has(name))).toBe(true)
  const device = await adapter.requestDevice({ requiredFeatures })
  for (const [name, reader] of Object.entries(READERS)) {
    for (const unit of UNITS) {
      const parts = [...reader, common.scaleOne, common.startZero, common.emitStore].map((module) => use(module))
      const module = device.createShaderModule({ code: compose([use(matmulMatrix, unit), ...parts]) })
      const { messages } = await module.getCompilationInfo()
      expect(
        messages.filter(({ type }) => type === 'error').map(({ message }) => message),
        name,
      ).toEqual([])
      const compute = { module, entryPoint: 'main' }
      await expect(device.createComputePipelineAsync({ layout: 'auto', compute })).resolves.toBeDefined()
    }
  }
  device.destroy()
})
