/** Answers of several runs: their thoughts may have so many tokens only, or they were begun before. Loaded for such. */
import { ResultStream } from '../async/result-stream.ts'
import { changed } from '../checks.ts'
import type { Constraint } from '../constraints/constraint.ts'
import type { Timings } from '../generate/clock.ts'
import type { TokenParams } from '../generate/token-loop.ts'
import type { GenerationSummary, NotedStep, Verdict } from '../generate/types.ts'
import type { Answer, ChatChunk, ChatFinishReason, Piece } from './answer.ts'

/** One run of the token loop; `begun` of the prompt's last tokens are the answer's own. */
export type StartRun = (
  prompt: readonly number[],
  params: TokenParams,
  begun: number,
) => AsyncGenerator<NotedStep<Piece>, GenerationSummary, undefined>

export interface BudgetedRun {
  readonly ids: readonly number[]
  readonly params: TokenParams
  readonly answer: Answer
  /** The id of `[/THINK]`, where thoughts have a limit. */
  readonly end: number | undefined
  /** Positions of prompt and answer together. */
  readonly contextLength: number
  readonly start: StartRun
  /** What the answer must keep to is told of tokens that no run chooses. */
  readonly constraint: Constraint | undefined
  /** Tokens of the answer that a run before has chosen. Default: none. */
  readonly given?: readonly number[] | undefined
}

/** What no run has measured. */
export const NO_SUMMARY: GenerationSummary = {
  finishReason: 'length',
  usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cached_tokens: 0 },
  timings: { prefillMs: 0, decodeMs: 0, ttftMs: 0, prefillTokensPerSecond: 0, decodeTokensPerSecond: 0 },
}

/**
 * Where a thought has used up its tokens, the answer goes on behind its end, as if the model had chosen that: a new run
 * begins there, which finds all tokens before it in the cache. Penalties and limits count as if it were one run.
 */
export async function* runWithBudget({
  ids,
  params,
  answer,
  end,
  contextLength,
  start,
  constraint,
  given = [],
}: BudgetedRun): AsyncGenerator<ChatChunk, { reason: ChatFinishReason; summary: GenerationSummary }, undefined> {
  const made: number[] = [...given]
  for (const id of given) constraint?.accept(id)
  const { max_tokens } = params.loop
  let summary: GenerationSummary | undefined
  for (;;) {
    if (end !== undefined && answer.overBudget) {
      made.push(end)
      constraint?.accept(end)
      // A limit that is reached with the forced token leaves nothing to run. One token at least is the model's own.
      const full = made.length >= max_tokens || ids.length + made.length >= contextLength
      const last = made.length > 1 && full
      const chunk = forced(answer, end, last)
      if (chunk !== undefined) yield chunk
      if (last) return { reason: 'length', summary: { ...(summary ?? NO_SUMMARY), finishReason: 'length' } }
    }
    const left = Math.max(1, max_tokens - made.length)
    const loop = changed(params.loop, { max_tokens: left })
    const steps = new ResultStream(start([...ids, ...made], { ...params, loop }, made.length))
    let reason: ChatFinishReason = 'stop'
    let over = false
    for await (const step of steps) {
      made.push(step.tokenId)
      // The stop that the budget asked for is none, unless the answer has no room behind it.
      const stopped = step.finishReason === 'stop' && step.note!.over
      const full = made.length >= max_tokens || ids.length + made.length >= contextLength
      over = stopped && !full
      const chunk = answer.step(stopped ? { ...step, finishReason: full ? 'length' : null } : step)
      if (chunk?.finish_reason) reason = chunk.finish_reason
      if (chunk !== undefined) yield chunk
    }
    summary = {
      ...joined(summary, await steps.result, made.length),
      finishReason: reason === 'length' ? reason : 'stop',
    }
    if (!over) return { reason, summary }
  }
}

/** The end of the thought, as a step of the answer. */
function forced(answer: Answer, tokenId: number, last: boolean): ChatChunk | undefined {
  const { note }: Verdict<Piece> = answer.see(tokenId)
  return answer.step({ tokenId, logprobs: null, finishReason: last ? 'length' : null, note: note! })
}

function joined(before: GenerationSummary | undefined, next: GenerationSummary, tokens: number): GenerationSummary {
  if (before === undefined) return next
  const decodeMs = before.timings.decodeMs + next.timings.prefillMs + next.timings.decodeMs
  const decodeTokensPerSecond = decodeMs > 0 ? ((tokens - 1) * 1000) / decodeMs : 0
  const timings: Timings = { ...before.timings, decodeMs, decodeTokensPerSecond }
  return { finishReason: next.finishReason, usage: before.usage, timings }
}
