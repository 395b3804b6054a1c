import { merge } from '../async/merge.ts'
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatRequest } from '../chat/request.ts'
import { DeviceLostError } from '../errors.ts'
import type { ServedCompletion } from './served-chat.ts'
import type { ServedModel } from './service.ts'
import type { RequestTrace } from './trace.ts'

export interface RunOptions {
  signal: AbortSignal
  trace: RequestTrace
}

export type Pieces<T> = AsyncGenerator<ChatChunk, T, undefined>

/** One request to the model, measured. Leaving the loop frees its sequence. */
export async function* runOne(
  model: ServedModel,
  request: ChatRequest,
  { signal, trace }: RunOptions,
  /** The number of its first choice among those of all requests. */
  firstIndex = 0,
): Pieces<ServedCompletion> {
  const chat = model.use()
  const run = trace.run()
  const pieces = chat.generate(withCeiling(request, chat.model.contextLength), { signal })
  try {
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (next.done) {
        run.completed(next.value)
        return next.value
      }
      run.piece(next.value)
      yield { ...next.value, index: next.value.index + firstIndex }
    }
  } catch (error) {
    // Nothing brings a lost device back: health checks must see that this server needs a new start.
    if (error instanceof DeviceLostError) model.fail(error)
    throw error
  } finally {
    await pieces.return(undefined as unknown as ServedCompletion)
  }
}

/** Models with a sliding window have no end of their own: no answer is longer than the context, or a client could stay for days. */
function withCeiling(request: ChatRequest, most: number): ChatRequest {
  const over = (asked: unknown) => typeof asked === 'number' && asked > most
  // What is no number is left for the check.
  if (over(request.max_new_tokens ?? request.max_completion_tokens ?? request.max_tokens)) {
    return { ...request, max_new_tokens: most }
  }
  return over(request.max_length) ? { ...request, max_length: most } : request
}

/**
 * Several requests at once, their pieces as they come. The choices of request i are those from `i * choicesEach`.
 * The first failure ends them all.
 */
export function runAll(
  model: ServedModel,
  requests: readonly ChatRequest[],
  choicesEach: number,
  { signal, trace }: RunOptions,
): Pieces<ServedCompletion[]> {
  return merge(signal, (own) =>
    requests.map((request, i) => runOne(model, request, { signal: own, trace }, i * choicesEach)),
  )
}

/** What the run returns, its pieces passed over. */
export async function outcome<T>(pieces: Pieces<T>): Promise<T> {
  for (let next = await pieces.next(); ; next = await pieces.next()) {
    if (next.done) return next.value
  }
}
