/** Answers as server-sent events. */
import { type ErrorFamily, errorBody, toHttpError } from './errors.ts'
import { type Frames, openFrameStream } from './stream.ts'
import type { RequestTrace } from './trace.ts'

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would collect the events otherwise.
  'x-accel-buffering': 'no',
}
const DONE = 'data: [DONE]\n\n'

export interface AnswerStream {
  abort: AbortController
  unlink: () => void
  trace: RequestTrace
  /** How the client expects errors. */
  family: ErrorFamily
  limits: { keepAliveMs: number; idleTimeoutMs: number }
}

/** The events as server-sent events with OpenAI's end. A failure on the way becomes an event that holds `error`. */
export async function eventStream(
  events: AsyncGenerator<object, void, undefined>,
  { abort, unlink, trace, family, limits }: AnswerStream,
): Promise<Response> {
  const body = await openFrameStream(eventFrames(events), {
    ...limits,
    abort,
    keepAlive: ': keep-alive\n\n',
    errorFrames: (error) => frame(errorBody(family, toHttpError(error))) + DONE,
    unlink,
    onEnd: trace.streamEnded,
  })
  trace.deferred = true
  return new Response(body, { headers: HEADERS })
}

async function* eventFrames(events: AsyncGenerator<object, void, undefined>): Frames {
  for await (const event of events) yield frame(event)
  return DONE
}

function frame(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`
}
