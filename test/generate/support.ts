import type { GenerationSummary, MistralModel, SamplingInput } from '../../src/index.ts'
import { random } from '../support/fixtures.ts'

export const greedy = { do_sample: false, ignore_eos: true } as const

/** A prompt of its own for each seed. */
export function promptOf(seed: number, length: number, vocab: number): number[] {
  const next = random(seed)
  return Array.from({ length }, () => 3 + Math.floor(next() * (vocab - 3)))
}

export async function tokensOf(steps: AsyncIterable<{ tokenId: number }>): Promise<number[]> {
  const ids: number[] = []
  for await (const { tokenId } of steps) ids.push(tokenId)
  return ids
}

/** Ids and summary of a whole generation. */
export async function runAll(
  model: MistralModel,
  prompt: readonly number[],
  params: SamplingInput,
): Promise<{ ids: number[]; summary: GenerationSummary }> {
  const steps = model.generate(prompt, params)
  const ids: number[] = []
  for await (const { tokenId } of steps) ids.push(tokenId)
  return { ids, summary: await steps.summary }
}
