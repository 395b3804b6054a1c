/** LoRA adapters on bases of mixed block types, against the plain forward pass with the adapter merged into its weights. */
import { expect, test } from 'vitest'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import { MistralModel } from '../../src/index.ts'
import { forward, type PlainLayer, type PlainModel } from '../reference/forward.ts'
import { disabledFeatures } from '../support/features.ts'
import { maxDifference, random } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { adapterFiles, pairOf } from '../support/random-adapter.ts'
import { SUPER_BLOCK_CONFIG as CONFIG, randomGguf } from '../support/random-gguf.ts'

const RANK = 4
const ALPHA = 6
const MODULES: Readonly<
  Record<string, readonly [field: Exclude<keyof PlainLayer, `${string}Norm`>, outputs: number, inputs: number]>
> = {
  'self_attn.q_proj': ['wq', 256, 256],
  'self_attn.k_proj': ['wk', 64, 256],
  'self_attn.v_proj': ['wv', 64, 256],
  'self_attn.o_proj': ['wo', 256, 256],
  'mlp.gate_proj': ['w1', 512, 256],
  'mlp.up_proj': ['w3', 512, 256],
  'mlp.down_proj': ['w2', 256, 512],
}

/** The tensors of a safetensors file in F32, by their names. */
function tensorsOf(file: Uint8Array<ArrayBuffer>): (name: string) => Float32Array {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))
  return (name) => {
    const [begin, end] = header[name].data_offsets
    return new Float32Array(file.slice(8 + length + begin, 8 + length + end).buffer)
  }
}

/** W + scale · B A for every matrix that the adapter has. */
function merged(model: PlainModel, file: Uint8Array<ArrayBuffer>): PlainModel {
  const tensor = tensorsOf(file)
  const layers = model.layers.map((layer, i): PlainLayer => {
    const changed = Object.entries(MODULES).map(([module, [field, outputs, inputs]]) => {
      const name = `base_model.model.model.layers.${i}.${module}`
      const a = tensor(`${name}.lora_A.weight`)
      const b = tensor(`${name}.lora_B.weight`)
      const sum = Float32Array.from({ length: outputs * inputs }, (_, at) => {
        const [row, col] = [Math.floor(at / inputs), at % inputs]
        let product = 0
        for (let j = 0; j < RANK; j++) product += b[row * RANK + j]! * a[j * inputs + col]!
        return layer[field][at]! + (ALPHA / RANK) * product
      })
      return [field, sum]
    })
    return { ...layer, ...Object.fromEntries(changed) }
  })
  return { ...model, layers }
}

test('Q4_K_M, whose values have other blocks than queries and keys', { timeout: patience(240_000) }, async () => {
  await loadBlockTypes(['q4_k', 'q6_k'])
  const more = new Set(['wv', 'w2'])
  const { file, model: plain } = randomGguf(CONFIG, (name, layer) =>
    name === 'output' || (layer === 0 && more.has(name)) ? 'q6_k' : 'q4_k',
  )
  const shapes = Object.fromEntries(
    Array.from({ length: CONFIG.nLayers }, (_, layer) =>
      Object.entries(MODULES).flatMap(([module, [, outputs, inputs]]) =>
        Object.entries(pairOf(`model.layers.${layer}.${module}`, outputs, inputs, RANK)),
      ),
    ).flat(),
  )
  const config = { r: RANK, lora_alpha: ALPHA, target_modules: 'all-linear' }
  const files = adapterFiles(config, shapes)
  const source = Object.assign(new Blob([file as Uint8Array<ArrayBuffer>]), { name: 'mixed.gguf' })
  const model = await MistralModel.load(source, { kvCache: 'f32', disableFeatures: disabledFeatures() })
  try {
    const sizes = model.loaded.weights.layers.map(({ wqkv }) => wqkv.length)
    expect(sizes).toEqual([2, 1])
    await model.loadAdapter({ open: (name) => (files as Record<string, string | Uint8Array>)[name] })
    const next = random(1)
    const tokens = Array.from({ length: 12 }, () => Math.floor(next() * CONFIG.vocabSize))
    const logits = async (adapter?: string) => (await model.logits(tokens, { adapter })).flatMap((row) => [...row])
    const flat = (rows: Float64Array[]) => rows.flatMap((row) => [...row])
    const expected = flat(forward(merged(plain, files['adapter_model.safetensors']), tokens))
    const base = flat(forward(plain, tokens))
    expect(maxDifference(await logits('adapter'), expected)).toBeLessThan(2e-3)
    expect(maxDifference(await logits(), base)).toBeLessThan(2e-3)
    expect(maxDifference(base, expected)).toBeGreaterThan(0.5)
  } finally {
    model.dispose()
  }
})
