/** LoRA adapters of random numbers, as PEFT saves them. */
import { concat, join, text, u64 } from '../formats/helpers.ts'
import { random } from './fixtures.ts'

/** Names of tensors without `base_model.model.`, with their shapes. */
export type Shapes = Readonly<Record<string, readonly number[]>>

/** [outputs, inputs] of modules, such as `q_proj: [256, 256]` of every layer. */
export interface AdapterShape {
  readonly layers: number
  readonly rank: number
  readonly modules: Readonly<Record<string, readonly [outputs: number, inputs: number]>>
}

/** The two tensors of a module. */
export function pairOf(module: string, outputs: number, inputs: number, rank: number): Record<string, number[]> {
  return { [`${module}.lora_A.weight`]: [rank, inputs], [`${module}.lora_B.weight`]: [outputs, rank] }
}

/** The files of an adapter with these tensors, in F32. */
export function adapterFiles(
  config: object,
  shapes: Shapes,
  seed = 1,
): { 'adapter_config.json': string; 'adapter_model.safetensors': Uint8Array<ArrayBuffer> } {
  const next = random(seed)
  const header: Record<string, unknown> = {}
  const data: Uint8Array[] = []
  let at = 0
  for (const [name, shape] of Object.entries(shapes)) {
    const size = shape.reduce((product, size) => product * size, 1)
    const values = Float32Array.from({ length: size }, () => (2 * next() - 1) * (shape.at(-1)! ** -0.5 * 1.5))
    header[`base_model.model.${name}`] = { dtype: 'F32', shape, data_offsets: [at, at + 4 * size] }
    data.push(new Uint8Array(values.buffer))
    at += 4 * size
  }
  const json = text(JSON.stringify(header))
  const full = { peft_type: 'LORA', r: 4, lora_alpha: 8, ...config }
  return {
    'adapter_config.json': JSON.stringify(full),
    'adapter_model.safetensors': concat(u64(json.byteLength), json, join(data)),
  }
}

/** An adapter of some modules of every layer. */
export function randomAdapter({ layers, rank, modules }: AdapterShape, seed = 1) {
  const shapes: Record<string, number[]> = {}
  for (let layer = 0; layer < layers; layer++) {
    for (const [name, [outputs, inputs]] of Object.entries(modules)) {
      Object.assign(shapes, pairOf(`model.layers.${layer}.${name}`, outputs, inputs, rank))
    }
  }
  const target_modules = Object.keys(modules).map((name) => name.split('.').at(-1))
  return adapterFiles({ r: rank, lora_alpha: 24 * rank, target_modules }, shapes, seed)
}

/** For the embedded model, which says other things with it. */
export const POCKET_SHAPE: AdapterShape = {
  layers: 5,
  rank: 4,
  modules: { 'self_attn.q_proj': [256, 256], 'mlp.down_proj': [256, 512] },
}
