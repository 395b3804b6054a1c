/** The model's answer as the parts that the AI SDK reads. */
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatCompletion, ChatStream } from '../chat/chat-model.ts'
import type { Content, FinishReason, StreamPart, Usage } from './types.ts'

/** One whole answer, without what surrounds it. */
export function resultOf({ choices, usage }: Pick<ChatCompletion, 'choices' | 'usage'>): {
  content: Content[]
  finishReason: FinishReason
  usage: Usage
} {
  const { text, reasoning_content: thought, tool_calls: calls, finish_reason, reasoning_tokens } = choices[0]!
  const content: Content[] = []
  if (thought !== null) content.push({ type: 'reasoning', text: thought })
  if (text !== '') content.push({ type: 'text', text })
  // A call that was cut off is none.
  for (const { id, function: fn } of finish_reason === 'tool_calls' ? (calls ?? []) : []) {
    content.push({ type: 'tool-call', toolCallId: id, toolName: fn.name, input: fn.arguments })
  }
  const { prompt_tokens, cached_tokens, completion_tokens } = usage
  return {
    content,
    finishReason: { unified: finish_reason === 'tool_calls' ? 'tool-calls' : finish_reason, raw: finish_reason },
    usage: {
      inputTokens: {
        total: prompt_tokens,
        noCache: prompt_tokens - cached_tokens,
        cacheRead: cached_tokens,
        cacheWrite: undefined,
      },
      outputTokens: {
        total: completion_tokens,
        text: completion_tokens - reasoning_tokens,
        reasoning: reasoning_tokens,
      },
    },
  }
}

/** The parts of an answer as it comes, its end among them. */
export async function* partsOf(stream: ChatStream): AsyncGenerator<StreamPart, void, undefined> {
  const writer = new PartWriter()
  for await (const chunk of stream) yield* writer.take(chunk)
  const { finishReason, usage } = resultOf(await stream.completion)
  yield* writer.end(finishReason.unified === 'tool-calls')
  yield { type: 'finish', finishReason, usage }
}

interface OpenCall {
  id: string
  name: string
  input: string
}

class PartWriter {
  private open: { type: 'text' | 'reasoning'; id: string } | undefined
  private parts = 0
  private readonly calls: OpenCall[] = []

  private nextId(): string {
    return String(this.parts++)
  }

  *take({ text, reasoning_content: thought, tool_calls: calls }: ChatChunk): Generator<StreamPart> {
    if (thought !== null) yield* this.grow('reasoning', thought)
    if (text !== '') yield* this.grow('text', text)
    for (const { index, id, function: part } of calls ?? []) {
      if (this.calls[index] === undefined) {
        yield* this.close()
        this.calls[index] = { id: id!, name: part.name!, input: '' }
        yield { type: 'tool-input-start', id: id!, toolName: part.name! }
      }
      const call = this.calls[index]
      if (!part.arguments) continue
      call.input += part.arguments
      yield { type: 'tool-input-delta', id: call.id, delta: part.arguments }
    }
  }

  /** @param whole the calls came to their end */
  *end(whole: boolean): Generator<StreamPart> {
    yield* this.close()
    for (const { id, name, input } of this.calls) {
      yield { type: 'tool-input-end', id }
      if (whole) yield { type: 'tool-call', toolCallId: id, toolName: name, input }
    }
  }

  private *grow(type: 'text' | 'reasoning', delta: string): Generator<StreamPart> {
    if (this.open?.type !== type) {
      yield* this.close()
      this.open = { type, id: this.nextId() }
      yield { type: `${type}-start`, id: this.open.id }
    }
    yield { type: `${type}-delta`, id: this.open.id, delta }
  }

  private *close(): Generator<StreamPart> {
    const { open } = this
    this.open = undefined
    if (open !== undefined) yield { type: `${open.type}-end`, id: open.id }
  }
}
