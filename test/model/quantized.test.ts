/** Folders of AWQ, GPTQ, compressed-tensors and FP8 against transformers on the dequantized weights. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { HARDWARE } from '../../src/gpu/tuning.ts'
import type { MistralModel } from '../../src/index.ts'
import { BLOCK, ceilTo } from '../../src/kernels/shape.ts'
import { type Weight, weightReadBytes } from '../../src/kernels/weight.ts'
import { fixture, maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/quantized', import.meta.url))
const CASES = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('__'))
  .map((entry) => entry.name)

async function logitsOf(model: MistralModel, prompt: readonly number[]): Promise<Float32Array> {
  return Float32Array.from((await model.logits(prompt)).flatMap((row) => [...row]))
}

/** Bytes of a folder's tensors, without the norms. */
function bytesInFile(path: string): number {
  const name = path.endsWith('native-fp8') ? 'consolidated' : 'model'
  const file = readFileSync(`${path}/${name}.safetensors`)
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString())
  const tensors = Object.entries<{ data_offsets: [number, number] }>(header).filter(
    ([name]) => !/norm|__|vision|multi_modal/.test(name),
  )
  return tensors.reduce((sum, [, { data_offsets }]) => sum + data_offsets[1] - data_offsets[0], 0)
}

function matricesOf({ loaded }: MistralModel) {
  const { tokEmbeddings, layers, output } = loaded.weights
  return [...tokEmbeddings, ...output, ...layers.flatMap(({ wqkv, wo, w13, w2 }) => [...wqkv, ...wo, ...w13, ...w2])]
}

test('there are folders of every method', () => expect(CASES.length).toBeGreaterThanOrEqual(23))

test.each(CASES)(
  '%s: logits within 2e-3, and no more bytes than the file',
  { timeout: patience(240_000) },
  async (name) => {
    const { path, reference } = fixture(`../quantized/${name}`)
    await withModel(path, { kvCache: 'f32', prefillChunk: 16 }, async (model) => {
      expect(maxDifference(await logitsOf(model, reference.prompt), reference.logits)).toBeLessThan(2e-3)
      const matrices = matricesOf(model)
      const kinds = new Set(matrices.map(({ layout }) => layout.name))
      const kind = /fp8|float/.test(name) ? 'f8_e4m3' : /-8|^int/.test(name) ? 'int8' : 'int4'
      const byColumn = /act-order|groups-of-16|4-zeros/.test(name) ? ' by column' : ''
      expect([...kinds].filter((other) => !/16$/.test(other))).toEqual([kind + byColumn])
      // The only scale of a matrix stands at each of its rows, which have thousands of inputs in real models.
      const copies = (weight: Weight) => (weight.layout.grouping?.groups === 1 ? (weight.scales?.size ?? 0) : 0)
      const bytes = [...new Set(matrices)].reduce((sum, weight) => sum + weightReadBytes(weight) - copies(weight), 0)
      // Rows are padded to whole blocks of 32 inputs, which those of real models are.
      const padding = Math.max(...matrices.map(({ cols }) => ceilTo(cols, BLOCK) / cols))
      expect(bytes / bytesInFile(path)).toBeLessThan(1.03 * padding)
      const ids: number[] = []
      const options = { do_sample: false, max_tokens: 6, ignore_eos: true }
      for await (const { tokenId } of model.generate(reference.prompt, options)) ids.push(tokenId)
      expect(ids).toEqual(reference.greedy.slice(0, 6))
    })
  },
)

test('what has no effect is said', { timeout: patience(240_000) }, async () => {
  await withModel(fixture('../quantized/fp8-static').path, {}, async (model) => {
    expect(model.notes).toEqual([
      expect.stringMatching(/quantization_config.activation_scheme \("static"\) has no effect/),
    ])
  })
  await withModel(fixture('../quantized/int-rows').path, {}, async (model) => {
    expect(model.notes).toEqual([
      expect.stringMatching(
        /config_groups.group_0.input_activations \(.*"int".*\) has no effect: weights stay at 8 bits/,
      ),
    ])
  })
  await withModel(fixture('../quantized/native-fp8').path, {}, async (model) => {
    expect(model.notes).toEqual([
      expect.stringMatching(/^params.json: quantization.qscheme_act \("TENSOR"\) has no effect/),
    ])
  })
  await withModel(fixture('../quantized/wrapped-awq').path, {}, async (model) => {
    expect(model.notes).toEqual([
      expect.stringMatching(/vision_config are about images/),
      expect.stringMatching(/2 tensors of multi_modal_projector, vision_tower are about images and are not read/),
    ])
  })
  await withModel(fixture('../quantized/awq').path, {}, async (model) => expect(model.notes).toEqual([]))
})

test.each(['packed-8-rows', 'fp8-static'])(
  '%s: with the kernels of real GPUs',
  { timeout: patience(300_000) },
  async (name) => {
    const { path, reference } = fixture(`../quantized/${name}`)
    await withModel(path, { kvCache: 'f32', tuning: HARDWARE }, async (model) => {
      expect(maxDifference(await logitsOf(model, reference.prompt), reference.logits)).toBeLessThan(2e-3)
    })
  },
)

test('weights that are quantized anew are those of the folder, rounded', { timeout: patience(240_000) }, async () => {
  const { path, reference } = fixture('../quantized/gptq-act-order')
  await withModel(path, { kvCache: 'f32', weights: 'q8' }, async (model) => {
    expect(new Set(matricesOf(model).map(({ layout }) => layout.name))).toEqual(new Set(['q8']))
    // Logits lie between -7 and 5; which way a weight near the middle of two steps goes changes the largest difference by a third.
    expect(maxDifference(await logitsOf(model, reference.prompt), reference.logits)).toBeLessThan(0.4)
  })
})
