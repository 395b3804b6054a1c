/** The library without a page around it: the test calls `runModel` with files in the input, or with an address. */
import { type LoadOptions, MistralModel } from 'mistral-webgpu'

export interface HarnessRun {
  readonly logits: number[][]
  readonly greedy: number[]
  readonly phases: string[]
}

/** @param url undefined: the files in the input */
async function runModel(
  url: string | undefined,
  prompt: number[],
  count: number,
  options: LoadOptions,
): Promise<HarnessRun> {
  const phases = new Set<string>()
  const source = url ?? [...(document.querySelector('input')?.files ?? [])]
  const model = await MistralModel.load(source, { ...options, onProgress: ({ phase }) => phases.add(phase) })
  try {
    const logits = (await model.logits(prompt)).map((row) => [...row])
    const greedy: number[] = []
    for await (const { tokenId } of model.generate(prompt, { do_sample: false, max_tokens: count, ignore_eos: true })) {
      greedy.push(tokenId)
    }
    return { logits, greedy, phases: [...phases] }
  } finally {
    model.dispose()
  }
}

declare global {
  interface Window {
    runModel: typeof runModel
  }
}

window.runModel = runModel
