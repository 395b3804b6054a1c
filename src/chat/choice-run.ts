/** One answer on its way: the steps of the token loop become its chunks. */
import { ResultStream } from '../async/result-stream.ts'
import type { MistralModel } from '../generate/mistral-model.ts'
import type { TokenParams } from '../generate/token-loop.ts'
import type { GenerationSummary } from '../generate/types.ts'
import type { Answer, ChatChoice, ChatChunk, ChatFinishReason } from './answer.ts'
import type { BegunChoice } from './resume.ts'

/** Chunks, then the answer itself and what the token loop says. */
export type ChoiceRun = AsyncGenerator<ChatChunk, ChoiceResult, undefined>
export type ChoiceResult = { choice: ChatChoice; summary: GenerationSummary }

/** How one answer is made, besides its parameters. */
export interface RunOptions extends Omit<Parameters<MistralModel['run']>[2], 'onToken' | 'begun'> {
  /** The part of the answer that the reader has from a model before this. */
  begun?: BegunChoice | undefined
}

export async function* runChoice(
  model: MistralModel,
  ids: readonly number[],
  params: TokenParams,
  answer: Answer,
  { begun, ...options }: RunOptions,
): ChoiceRun {
  const onToken = (tokenId: number) => answer.see(tokenId)
  const start = (prompt: readonly number[], own: TokenParams, begun: number) =>
    model.run(prompt, own, { ...options, onToken, begun })
  const end = answer.thoughtLimit
  if (end !== undefined || begun !== undefined) {
    const { contextLength } = model
    const run = { ids, params, answer, end, contextLength, start, constraint: options.constraint }
    const { reason, summary } = begun
      ? yield* (await import('./resume.ts')).resume(run, begun)
      : yield* (await import('./thought-budget.ts')).runWithBudget(run)
    return { choice: answer.choice(reason), summary }
  }
  const steps = new ResultStream(start(ids, params, 0))
  let reason: ChatFinishReason = 'stop'
  for await (const step of steps) {
    const chunk = answer.step(step)
    if (chunk?.finish_reason) reason = chunk.finish_reason
    if (chunk) yield chunk
  }
  return { choice: answer.choice(reason), summary: await steps.result }
}
