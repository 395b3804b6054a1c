/** An answer goes on that another model began, with the same weights: where that is gone, and the reader has a part of it. */
import type { Answer, ChatChunk, ChatFinishReason } from './answer.ts'
import { type BudgetedRun, NO_SUMMARY, runWithBudget } from './thought-budget.ts'

/** The part of one answer that a reader has. */
export interface BegunChoice {
  /** Of all its chunks. */
  readonly tokenIds: readonly number[]
  /** Of its last chunk, where the reader has that. */
  readonly finishReason: ChatFinishReason | null
}

/** What a reader has of the answers to a request. */
export interface Begun {
  /** The seed of the request, or the one that stands in for it. */
  readonly seed: number
  /** By the answers' indices; a hole is an answer that has not begun. */
  readonly choices: readonly (BegunChoice | undefined)[]
}

/**
 * Gives the chunks that the reader does not have. The tokens before them are not chosen again: they go with the prompt, and
 * `answer` is shown them as if they had just been chosen. Only those whose log-probabilities the reader still waits for
 * are, since nobody kept these.
 */
export async function* resume(
  run: BudgetedRun,
  { tokenIds, finishReason }: BegunChoice,
): ReturnType<typeof runWithBudget> {
  const { answer } = run
  // The beginning of a forced call stands in the prompt already.
  const chosen = tokenIds.slice(answer.forcedCount)
  if (finishReason !== null) {
    replay(answer, chosen, finishReason)
    return { reason: finishReason, summary: { ...NO_SUMMARY, finishReason: stepReason(finishReason) } }
  }
  const given = chosen.slice(0, settled(answer.again(), chosen))
  let count = replay(answer, given, null)
  const chunks = runWithBudget({ ...run, given })
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done) return next.value
      count += next.value.token_ids.length
      if (count > tokenIds.length) yield next.value
    }
  } finally {
    await chunks.return(undefined as never)
  }
}

/** Shows the tokens to the answer. Returns how many of them its chunks have had. */
function replay(answer: Answer, tokenIds: readonly number[], end: ChatFinishReason | null): number {
  let count = 0
  for (const [i, tokenId] of tokenIds.entries()) {
    const finishReason = end !== null && i === tokenIds.length - 1 ? stepReason(end) : null
    const chunk: ChatChunk | undefined = answer.step({
      tokenId,
      logprobs: null,
      finishReason,
      note: answer.see(tokenId).note!,
    })
    count += chunk?.token_ids.length ?? 0
  }
  return count
}

/** How many tokens there are until the last behind which no log-probability is held back. */
function settled(answer: Answer, tokenIds: readonly number[]): number {
  let count = 0
  for (const [i, tokenId] of tokenIds.entries()) {
    const logprobs = { tokenId, logprob: 0, top: [] }
    answer.step({ tokenId, logprobs, finishReason: null, note: answer.see(tokenId).note! })
    if (!answer.holdsBack) count = i + 1
  }
  return count
}

/** Calls of tools end with the model's own end. */
function stepReason(reason: ChatFinishReason): 'stop' | 'length' {
  return reason === 'length' ? reason : 'stop'
}
