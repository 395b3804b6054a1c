/** Answers of Ollama's `/api/chat` and `/api/generate`: pieces, one in each line, and the measures at the end. */
import type { TokenLogprob } from '../../chat/token-logprob.ts'
import { tryParseJson } from '../../json/parse.ts'
import { isJsonObject, plainJson } from '../../json/value.ts'
import { errorBody, type HttpError } from '../errors.ts'
import type { FaceAnswer } from '../face.ts'
import type { ServedCompletion } from '../records.ts'
import type { Pieces } from '../run.ts'
import { WholeCalls } from '../whole-calls.ts'

/** What one line says. */
interface Part {
  readonly text?: string
  readonly thought?: string
  readonly calls?: readonly object[]
}

/** How a route puts a part into its lines. */
export type Shape = (part: Part) => object

export const CHAT_SHAPE: Shape = ({ text = '', thought, calls }) => ({
  message: {
    role: 'assistant',
    content: text,
    ...(thought && { thinking: thought }),
    ...(calls && calls.length > 0 && { tool_calls: calls }),
  },
})
export const GENERATE_SHAPE: Shape = ({ text = '', thought }) => ({
  response: text,
  ...(thought && { thinking: thought }),
})

export class OllamaWriter implements FaceAnswer {
  private readonly startedAt = performance.now()
  private readonly calls = new WholeCalls()

  constructor(
    private readonly model: string,
    private readonly shape: Shape,
  ) {}

  async *events(pieces: Pieces<ServedCompletion>): AsyncGenerator<object, void, undefined> {
    for await (const { text, reasoning_content: thought, tool_calls, logprobs } of pieces) {
      this.calls.add(tool_calls ?? [])
      if (thought !== null) yield this.line({ thought })
      if (text !== '') yield { ...this.line({ text }), ...logprobFields(logprobs) }
    }
    const calls = this.wholeCalls()
    if (calls.length > 0) yield this.line({ calls })
    yield { ...this.line({}), ...this.end(await pieces.result) }
  }

  async whole(pieces: Pieces<ServedCompletion>): Promise<object> {
    const completion = await pieces.result
    const { text, reasoning_content: thought, tool_calls: calls, logprobs } = completion.choices[0]!
    this.calls.add((calls ?? []).map((call, index) => ({ index, ...call })))
    const part = { text, calls: this.wholeCalls(), ...(thought !== null && { thought }) }
    return { ...this.line(part), ...logprobFields(logprobs), ...this.end(completion) }
  }

  failure(error: HttpError): object[] {
    return [errorBody('ollama', error)]
  }

  /** What is answered when nothing was asked. */
  loaded(): object {
    return { ...this.line({}), done: true, done_reason: 'load' }
  }

  private line(part: Part): object {
    return { model: this.model, created_at: new Date().toISOString(), ...this.shape(part), done: false }
  }

  /** Arguments are objects there: a call that was cut off has none, and is left out. */
  private wholeCalls(): object[] {
    return this.calls.calls.flatMap(({ index, id, function: { name, arguments: text } }) => {
      const args = tryParseJson(text)
      return isJsonObject(args) ? [{ id, function: { index, name, arguments: plainJson(args) } }] : []
    })
  }

  private end({ choices, usage, timings }: ServedCompletion): object {
    return {
      done: true,
      done_reason: choices[0]!.finish_reason === 'length' ? 'length' : 'stop',
      total_duration: nanoseconds(performance.now() - this.startedAt),
      load_duration: 0,
      prompt_eval_count: usage.prompt_tokens,
      prompt_eval_duration: nanoseconds(timings.prefillMs),
      eval_count: usage.completion_tokens,
      eval_duration: nanoseconds(timings.decodeMs),
    }
  }
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6)
}

function logprobFields(logprobs: readonly TokenLogprob[] | null): object {
  if (logprobs === null || logprobs.length === 0) return {}
  const one = ({ token, logprob, bytes }: Pick<TokenLogprob, 'token' | 'logprob' | 'bytes'>) => ({
    token,
    logprob,
    bytes,
  })
  return { logprobs: logprobs.map((entry) => ({ ...one(entry), top_logprobs: entry.top_logprobs.map(one) })) }
}
