/** The model of benches of constraints: one with its own tokenizer, or random weights in a shape with a vocabulary of the caller's. */
import { randomCheckpoint, type ShapeName } from '../src/cli/bench/random-checkpoint.ts'
import { type LoadOptions, MistralModel, Tokenizer } from '../src/index.ts'

/** Options of the command line. */
export const MODEL_OPTIONS = {
  model: { type: 'string', default: 'pocket' },
  shape: { type: 'string' },
  layers: { type: 'string', default: '2' },
  tokenizer: { type: 'string' },
} as const

interface ModelValues {
  readonly model: string
  readonly shape?: string | undefined
  readonly layers: string
  readonly tokenizer?: string | undefined
}

export async function loadModel(
  values: ModelValues,
  options: LoadOptions,
): Promise<{ model: MistralModel; tokenizer: Tokenizer }> {
  if (values.shape === undefined) {
    const model = await MistralModel.load(values.model, options)
    if (model.tokenizer === undefined) throw new Error('the model has no tokenizer')
    return { model, tokenizer: model.tokenizer }
  }
  if (values.tokenizer === undefined) throw new Error('random weights need --tokenizer')
  const tokenizer = await Tokenizer.load(values.tokenizer)
  const shape = randomCheckpoint(values.shape as ShapeName, Number(values.layers), 'native', tokenizer.vocabSize)
  return { model: await MistralModel.fromCheckpoint(shape, options), tokenizer }
}
