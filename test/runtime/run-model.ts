/**
 * A program for any runtime: loads a model, computes logits and greedy ids, disposes, and ends by itself. Its argument
 * is a `RunRequest` as JSON; it prints a `RunReport` as JSON.
 */
import process from 'node:process'
import { type LoadOptions, MistralError, MistralModel } from '../../src/index.ts'

export interface RunRequest {
  readonly path: string
  readonly prompt: readonly number[]
  readonly count: number
  readonly options: LoadOptions
}

export type RunReport =
  | { readonly adapter: string; readonly logits: readonly number[][]; readonly greedy: readonly number[] }
  | { readonly error: string }

async function run({ path, prompt, count, options }: RunRequest): Promise<RunReport> {
  let model: MistralModel
  try {
    model = await MistralModel.load(path, options)
  } catch (error) {
    if (error instanceof MistralError) return { error: `${error.name}: ${error.message}` }
    throw error
  }
  const adapter = model.loaded.gpu.name
  const logits = (await model.logits(prompt)).map((row) => [...row])
  const greedy: number[] = []
  for await (const { tokenId } of model.generate(prompt, { do_sample: false, max_tokens: count, ignore_eos: true })) {
    greedy.push(tokenId)
  }
  model.dispose()
  return { adapter, logits, greedy }
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as RunRequest)))
