/** Answers as streams of events: server-sent events, or lines of JSON, with each face's own end. */
import { type ErrorFamily, errorBody, type HttpError, toHttpError } from './errors.ts'
import { type Frames, openFrameStream } from './stream.ts'
import type { RequestTrace } from './trace.ts'

/** How events become text. */
export interface Framing {
  readonly contentType: string
  frame(event: object): string
  /** The text behind the last event; `''` for none. */
  readonly last: string
  /** Says nothing, when there has been nothing to say for a while; undefined where clients take every line for an event. */
  readonly keepAlive: string | undefined
}

const SSE = { contentType: 'text/event-stream; charset=utf-8', keepAlive: ': keep-alive\n\n' } as const
/** Events without names, and OpenAI's word at the end. */
const UNNAMED: Framing = { ...SSE, frame: dataFrame, last: 'data: [DONE]\n\n' }
/** Events that are named after their `type`, as OpenAI's Responses and Anthropic's Messages have them. */
export const NAMED_EVENTS: Framing = {
  ...SSE,
  frame: (event) => `event: ${(event as { type: string }).type}\n${dataFrame(event)}`,
  last: '',
}
/** One event in each line. */
export const JSON_LINES: Framing = {
  contentType: 'application/x-ndjson',
  frame: (event) => `${JSON.stringify(event)}\n`,
  last: '',
  keepAlive: undefined,
}

export interface AnswerStream {
  abort: AbortController
  unlink: () => void
  trace: RequestTrace
  limits: { keepAliveMs: number; idleTimeoutMs: number }
}

export interface FramedStream extends AnswerStream {
  framing: Framing
  /** The events that tell of a failure on the way. */
  failure: (error: HttpError) => readonly object[]
}

/** The events as server-sent events with OpenAI's end. A failure on the way becomes an event that holds `error`. */
export function eventStream(
  events: AsyncGenerator<object, void, undefined>,
  { family, ...stream }: AnswerStream & { family: ErrorFamily },
): Promise<Response> {
  return framedStream(events, { ...stream, framing: UNNAMED, failure: (error) => [errorBody(family, error)] })
}

/** The events in the face's own framing. Rejects with what fails before the first of them. */
export async function framedStream(
  events: AsyncGenerator<object, void, undefined>,
  { abort, unlink, trace, limits, framing, failure }: FramedStream,
): Promise<Response> {
  const body = await openFrameStream(eventFrames(events, framing), {
    ...limits,
    abort,
    keepAlive: framing.keepAlive,
    errorFrames: (error) => failure(toHttpError(error)).map(framing.frame).join('') + framing.last,
    unlink,
    onEnd: trace.streamEnded,
  })
  trace.deferred = true
  const headers = {
    'content-type': framing.contentType,
    'cache-control': 'no-cache, no-transform',
    // nginx would collect the events otherwise.
    'x-accel-buffering': 'no',
  }
  return new Response(body, { headers })
}

async function* eventFrames(events: AsyncGenerator<object, void, undefined>, framing: Framing): Frames {
  for await (const event of events) yield framing.frame(event)
  return framing.last
}

function dataFrame(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`
}
