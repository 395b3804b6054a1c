/** The answer of `POST /v1/responses`: its output items, and the events that tell how they come to be. */
import type { ChatChunk } from '../../chat/answer.ts'
import type { Usage } from '../../generate/types.ts'
import type { HttpError } from '../errors.ts'
import { randomHex } from '../ids.ts'
import { chatLogprobs } from '../openai-wire.ts'
import type { ServedCompletion } from '../records.ts'
import type { Pieces } from '../run.ts'
import type { Item } from './input.ts'

type Fields = Record<string, unknown>
type Event = { type: string } & Fields

/** What is being written: a thought, a text, or a call. */
interface OpenItem {
  readonly kind: 'reasoning' | 'message' | 'call'
  readonly id: string
  readonly index: number
  /** The text so far; of a call, its arguments. */
  text: string
  readonly logprobs: unknown[]
  /** What the item has besides its text. */
  readonly fields: Fields
  /** Which call of the answer it is. */
  readonly call?: number
}

/** Makes the output of one response, and the events of its stream, out of the pieces of an answer. */
export class ResponseWriter {
  private readonly output: Item[] = []
  private open: OpenItem | undefined
  private sequence = 0
  private usage: object | null = null

  /** @param head what the response has besides output, status and usage */
  constructor(
    private readonly head: Readonly<{ id: string } & Fields>,
    private readonly onDone: (body: Fields & { id: string; output: Item[] }) => void,
  ) {}

  async *events(pieces: Pieces<ServedCompletion>): AsyncGenerator<Event, void, undefined> {
    let begun = false
    let finish: string | null = null
    for await (const piece of pieces) {
      // The first piece comes before the first event: what fails until then gets a status of its own.
      if (!begun) yield* this.begin()
      begun = true
      yield* this.piece(piece)
      finish = piece.finish_reason ?? finish
    }
    const whole = finish !== 'length'
    if (this.output.length === 0 && this.open === undefined) yield* this.start('message')
    yield* this.end(whole ? 'completed' : 'incomplete')
    const { usage, choices } = await pieces.result
    this.usage = wireUsage(usage, choices[0]?.reasoning_tokens ?? 0)
    const body = this.body(whole ? 'completed' : 'incomplete', whole ? {} : { incomplete_details: MAX_TOKENS })
    this.onDone(body)
    yield this.event(whole ? 'response.completed' : 'response.incomplete', { response: body })
  }

  /** As one object. */
  async whole(pieces: Pieces<ServedCompletion>): Promise<object> {
    let last: Event | undefined
    for await (const event of this.events(pieces)) last = event
    return last!.response as object
  }

  failure({ message, code, param }: HttpError): Event[] {
    const error = { code: code ?? 'server_error', message }
    return [
      this.event('error', { ...error, param }),
      this.event('response.failed', { response: this.body('failed', { error }) }),
    ]
  }

  private body(status: string, rest: Fields = {}) {
    const done = status === 'completed' ? Math.floor(Date.now() / 1000) : null
    return { ...this.head, status, completed_at: done, ...rest, output: this.output, usage: this.usage }
  }

  private *begin(): Generator<Event> {
    const response = { ...this.body('in_progress'), output: [] }
    yield this.event('response.created', { response })
    yield this.event('response.in_progress', { response })
  }

  private *piece(piece: ChatChunk): Generator<Event> {
    const { reasoning_content: thought, text, logprobs, tool_calls: calls } = piece
    if (thought !== null) yield* this.grow('reasoning', thought)
    if (text !== '')
      yield* this.grow('message', text, (chatLogprobs(logprobs) as { content: object[] } | null)?.content)
    for (const { index, id, function: part } of calls ?? []) {
      if (this.open?.call !== index) {
        yield* this.start('call', { call_id: id, name: part.name }, index)
      }
      if (part.arguments) yield* this.grow('call', part.arguments)
    }
  }

  private *start(kind: OpenItem['kind'], fields: Fields = {}, call?: number): Generator<Event> {
    yield* this.end('completed')
    const index = this.output.length
    const open = { kind, id: `${ITEM_IDS[kind]}_${randomHex(12)}`, index, text: '', logprobs: [], fields }
    this.open = call === undefined ? open : { ...open, call }
    const item = itemOf(this.open, 'in_progress')
    yield this.event('response.output_item.added', {
      output_index: index,
      item: kind === 'call' ? item : { ...item, content: [] },
    })
    if (kind !== 'call') yield this.event('response.content_part.added', { ...this.place(), part: partOf(this.open) })
  }

  private *grow(kind: OpenItem['kind'], delta: string, logprobs: readonly object[] = []): Generator<Event> {
    if (this.open?.kind !== kind) yield* this.start(kind)
    const open = this.open!
    open.text += delta
    open.logprobs.push(...logprobs)
    yield this.event(`${TEXT_EVENTS[kind]}.delta`, {
      ...this.place(),
      delta,
      ...(kind === 'message' && { logprobs }),
    })
  }

  /** Ends the item that is open. */
  private *end(status: 'completed' | 'incomplete'): Generator<Event> {
    const { open } = this
    if (open === undefined) return
    const item = itemOf(open, status)
    if (open.kind === 'call') {
      const { name, arguments: args } = item
      yield this.event('response.function_call_arguments.done', { ...this.place(), name, arguments: args })
    } else {
      const logprobs = open.kind === 'message' ? { logprobs: open.logprobs } : {}
      yield this.event(`${TEXT_EVENTS[open.kind]}.done`, { ...this.place(), text: open.text, ...logprobs })
      yield this.event('response.content_part.done', { ...this.place(), part: partOf(open) })
    }
    this.open = undefined
    this.output.push(item)
    yield this.event('response.output_item.done', { output_index: open.index, item })
  }

  private place(): Fields {
    const { id, index, kind } = this.open!
    return { item_id: id, output_index: index, ...(kind !== 'call' && { content_index: 0 }) }
  }

  private event(type: string, fields: Fields): Event {
    return { type, sequence_number: this.sequence++, ...fields }
  }
}

const MAX_TOKENS = { reason: 'max_output_tokens' }
const ITEM_IDS = { reasoning: 'rs', message: 'msg', call: 'fc' } as const
const TEXT_EVENTS = {
  reasoning: 'response.reasoning_text',
  message: 'response.output_text',
  call: 'response.function_call_arguments',
} as const

function partOf({ kind, text, logprobs }: OpenItem): Fields {
  if (kind === 'reasoning') return { type: 'reasoning_text', text }
  return { type: 'output_text', text, annotations: [], logprobs: [...logprobs] }
}

function itemOf(open: OpenItem, status: string): Item {
  const { kind, id, text, fields } = open
  if (kind === 'call') return { id, type: 'function_call', status, ...fields, arguments: text }
  if (kind === 'reasoning') return { id, type: 'reasoning', status, summary: [], content: [partOf(open)] }
  return { id, type: 'message', status, role: 'assistant', content: [partOf(open)] }
}

function wireUsage(usage: Usage, reasoning: number): object {
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: usage.cached_tokens },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: usage.total_tokens,
  }
}
