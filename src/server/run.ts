/** Requests to the model on behalf of a client: measured, limited in length, several at once. */

import { merge } from '../async/merge.ts'
import { ResultStream } from '../async/result-stream.ts'
import type { ChatChunk } from '../chat/answer.ts'
import { type CheckedRequest, limitLength } from '../chat/request.ts'
import { DeviceLostError } from '../errors.ts'
import type { ServedCompletion } from './records.ts'
import type { ServedModel } from './service.ts'
import type { RequestTrace } from './trace.ts'

export interface RunOptions {
  signal: AbortSignal
  trace: RequestTrace
}

/** The pieces of an answer, and what the answer is in the end. */
export type Pieces<T> = ResultStream<ChatChunk, T>

/** One request to the model, measured. Leaving the loop frees its sequence. `firstIndex`: the number of its first choice. */
export function runOne(
  model: ServedModel,
  request: CheckedRequest,
  options: RunOptions,
  firstIndex = 0,
): Pieces<ServedCompletion> {
  return new ResultStream(measured(model, request, options, firstIndex))
}

async function* measured(
  model: ServedModel,
  request: CheckedRequest,
  { signal, trace }: RunOptions,
  firstIndex: number,
): AsyncGenerator<ChatChunk, ServedCompletion, undefined> {
  const chat = model.use()
  const run = trace.run()
  try {
    // Models with a sliding window have no end of their own, and a client could stay for days.
    const stream = chat.generate(limitLength(request, chat.contextLength), { signal })
    for await (const piece of stream) {
      run.piece(piece)
      yield { ...piece, index: piece.index + firstIndex }
    }
    const completion = await stream.completion
    run.completed(completion)
    return completion
  } catch (error) {
    // Nothing brings a lost device back: health checks must see that this server needs a new start.
    if (error instanceof DeviceLostError) model.fail(error)
    throw error
  }
}

/**
 * Several requests at once, their pieces as they come. The choices of request i are those from `i * choicesEach`.
 * The first failure ends them all.
 */
export function runAll(
  model: ServedModel,
  requests: readonly CheckedRequest[],
  choicesEach: number,
  { signal, trace }: RunOptions,
): Pieces<ServedCompletion[]> {
  const start = (own: AbortSignal) =>
    requests.map((request, i) => measured(model, request, { signal: own, trace }, i * choicesEach))
  return new ResultStream(merge(signal, start))
}
