import { type ChatLoadOptions, MistralChat } from '../../src/index.ts'
import { asFolder, randomModel } from '../reference/random-model.ts'
import { disabledFeatures } from '../support/features.ts'

/** One layer of random weights under some vocabulary: for what depends on tokens and templates, not on sense. */
export function loadTiny(
  tokenizer: Record<string, Uint8Array | string>,
  vocabSize: number,
  options: ChatLoadOptions = {},
): Promise<MistralChat> {
  const heads = { nHeads: 2, nKvHeads: 1, headDim: 16 }
  const rest = { normEps: 1e-5, ropeTheta: 10000, slidingWindow: undefined }
  const model = randomModel({ dim: 32, nLayers: 1, ...heads, hiddenDim: 32, vocabSize, ...rest }, 3)
  const files: Record<string, Uint8Array | string> = { ...asFolder(model), ...tokenizer }
  return MistralChat.load({ open: (name) => files[name] }, { disableFeatures: disabledFeatures(), ...options })
}
