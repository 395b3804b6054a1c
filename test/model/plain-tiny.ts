/** The self-test's tiny model by the plain forward pass, in f64. */
import { decodeToF32 } from '../../src/formats/blocks.ts'
import { TINY_CONFIG, TINY_PROMPT, tinyCheckpoint } from '../../src/model/self-test-model.ts'
import type { WeightName } from '../../src/model/shapes.ts'
import { forward } from '../reference/forward.ts'

/** The logits after each token of the prompt. The plain forward pass has one window for all layers: so here has each. */
export async function plainTinyLogits(): Promise<Float64Array[]> {
  const checkpoint = tinyCheckpoint()
  const read = async (name: WeightName) => {
    const info = checkpoint.tensor(name)
    return decodeToF32(info.dtype, await checkpoint.readTensor(info, 0, info.byteLength))
  }
  const layers = await Promise.all(
    [0, 1].map(async (i) => ({
      attentionNorm: await read(`layers.${i}.attentionNorm`),
      wq: await read(`layers.${i}.wq`),
      wk: await read(`layers.${i}.wk`),
      wv: await read(`layers.${i}.wv`),
      wo: await read(`layers.${i}.wo`),
      ffnNorm: await read(`layers.${i}.ffnNorm`),
      w1: await read(`layers.${i}.w1`),
      w3: await read(`layers.${i}.w3`),
      w2: await read(`layers.${i}.w2`),
    })),
  )
  const config = { ...TINY_CONFIG, slidingWindow: TINY_CONFIG.slidingWindows[0] }
  const [tokEmbeddings, norm, output] = await Promise.all([read('tokEmbeddings'), read('norm'), read('output')])
  return forward({ config, tokEmbeddings, layers, norm, output }, TINY_PROMPT)
}
