/** The answer of `POST /v1/messages`: blocks of content, and the events that tell how they come to be. */
import type { ChatChunk } from '../../chat/answer.ts'
import { tryParseJson } from '../../json/parse.ts'
import { plainJson } from '../../json/value.ts'
import { errorBody, type HttpError } from '../errors.ts'
import type { FaceAnswer } from '../face.ts'
import { randomHex } from '../ids.ts'
import type { ServedCompletion } from '../records.ts'
import type { Pieces } from '../run.ts'

type Block = { type: 'text' | 'thinking' | 'tool_use' } & Record<string, unknown>

export interface MessageOptions {
  readonly model: string
  /** Of the prompt, before the answer has come to its end. */
  readonly promptTokens: () => Promise<number>
  /** Thoughts are no part of the answer. */
  readonly hidesThoughts: boolean
}

/** Writes one message. */
export class MessageWriter implements FaceAnswer {
  private readonly id = `msg_${randomHex(12)}`
  private blocks = 0
  private open: { type: Block['type']; call?: number } | undefined

  constructor(private readonly options: MessageOptions) {}

  async whole(pieces: Pieces<ServedCompletion>): Promise<object> {
    const content: Block[] = []
    let json = ''
    for await (const event of this.blockEvents(pieces)) {
      const { type, content_block: block, delta } = event as { type: string; content_block: Block; delta: Block }
      const last = content.at(-1)
      if (type === 'content_block_start') {
        json = ''
        content.push({ ...block })
      } else if (type === 'content_block_stop') {
        if (last!.type === 'tool_use') last!.input = inputOf(json)
      } else {
        json += delta.partial_json ?? ''
        if (last!.type === 'text') last!.text += delta.text as string
        if (last!.type === 'thinking') last!.thinking += (delta.thinking as string | undefined) ?? ''
      }
    }
    const { reasons, usage } = this.end(await pieces.result)
    return { ...this.message(content), ...reasons, usage }
  }

  async *events(pieces: Pieces<ServedCompletion>): AsyncGenerator<object, void, undefined> {
    let begun = false
    for await (const event of this.blockEvents(pieces)) {
      // The first piece comes before the first event: what fails until then gets a status of its own.
      if (!begun) yield await this.start()
      begun = true
      yield event
    }
    const end = this.end(await pieces.result)
    if (!begun) yield await this.start()
    yield { type: 'message_delta', delta: { ...end.reasons, stop_details: null, container: null }, usage: end.usage }
    yield { type: 'message_stop' }
  }

  failure(error: HttpError): object[] {
    return [errorBody('anthropic', error)]
  }

  private async start(): Promise<object> {
    const input_tokens = await this.options.promptTokens()
    const usage = { ...NO_USAGE, input_tokens }
    return { type: 'message_start', message: { ...this.message([]), stop_reason: null, stop_sequence: null, usage } }
  }

  private message(content: readonly Block[]) {
    const { model } = this.options
    return { id: this.id, type: 'message', role: 'assistant', model, content, container: null, stop_details: null }
  }

  private async *blockEvents(pieces: Pieces<ServedCompletion>): AsyncGenerator<object> {
    for await (const piece of pieces) yield* this.piece(piece)
    yield* this.close()
  }

  private *piece({ reasoning_content: thought, text, tool_calls: calls }: ChatChunk): Generator<object> {
    if (thought !== null && !this.options.hidesThoughts) {
      if (this.open?.type !== 'thinking') yield* this.begin({ type: 'thinking', thinking: '', signature: '' })
      yield this.delta({ type: 'thinking_delta', thinking: thought })
    }
    if (text !== '') {
      if (this.open?.type !== 'text') yield* this.begin({ type: 'text', text: '', citations: null })
      yield this.delta({ type: 'text_delta', text })
    }
    for (const { index, id, function: part } of calls ?? []) {
      if (this.open?.call !== index) {
        yield* this.begin({ type: 'tool_use', id, name: part.name, input: {}, caller: { type: 'direct' } }, index)
      }
      if (part.arguments) yield this.delta({ type: 'input_json_delta', partial_json: part.arguments })
    }
  }

  private *begin(block: Block, call?: number): Generator<object> {
    yield* this.close()
    this.open = { type: block.type, ...(call !== undefined && { call }) }
    yield { type: 'content_block_start', index: this.blocks, content_block: block }
  }

  private *close(): Generator<object> {
    if (this.open === undefined) return
    this.open = undefined
    yield { type: 'content_block_stop', index: this.blocks++ }
  }

  private delta(delta: object): object {
    return { type: 'content_block_delta', index: this.blocks, delta }
  }

  private end({ choices, usage }: ServedCompletion) {
    const { finish_reason: reason, stop_reason: stop, reasoning_tokens: thinking } = choices[0]!
    const ended = stop === null ? STOP_REASONS[reason] : 'stop_sequence'
    return {
      reasons: { stop_reason: ended, stop_sequence: stop },
      usage: {
        ...NO_USAGE,
        // Tokens from the cache are not among them there.
        input_tokens: usage.prompt_tokens - usage.cached_tokens,
        cache_read_input_tokens: usage.cached_tokens,
        output_tokens: usage.completion_tokens,
        output_tokens_details: { thinking_tokens: thinking },
      },
    }
  }
}

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const
const NO_USAGE = {
  input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 0,
  service_tier: 'standard',
}

/** Arguments that were cut off are no JSON, and nothing can be said of them here. */
function inputOf(json: string): unknown {
  const value = plainJson(tryParseJson(json))
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
