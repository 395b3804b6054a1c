import type { FinishReason, GenerationStep } from '../generate/token-loop.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { StopFilter } from './stop-filter.ts'
import { type TokenLogprob, tokenLogprob } from './token-logprob.ts'
import { type CompleteToolCall, type ToolCallDelta, ToolCallStream } from './tool-calls.ts'
import type { ForcedCall, ToolCallTokens } from './tool-choice.ts'

/** `tool_calls`: the model ended with calls of tools. */
export type ChatFinishReason = FinishReason | 'tool_calls'

/** A piece of an answer. All pieces' texts joined are the answer. */
export interface ChatChunk {
  /** Which of the `n` answers. */
  readonly index: number
  readonly text: string
  /** The tokens that came since the piece before; their text may be part of a later piece. */
  readonly token_ids: readonly number[]
  /** Of these tokens, control tokens left out; null unless the request asked for them. */
  readonly logprobs: readonly TokenLogprob[] | null
  /** Parts of calls of tools, to be joined by `index`; null when there are none in this piece. */
  readonly tool_calls: readonly ToolCallDelta[] | null
  /** Set on the last piece. */
  readonly finish_reason: ChatFinishReason | null
}

/** One whole answer. */
export interface ChatChoice {
  readonly index: number
  readonly text: string
  readonly token_ids: readonly number[]
  readonly logprobs: readonly TokenLogprob[] | null
  readonly tool_calls: readonly CompleteToolCall[] | null
  readonly finish_reason: ChatFinishReason
}

export interface AnswerOptions {
  readonly index: number
  readonly stops: readonly string[]
  readonly logprobs: boolean
  /** Ids before the answer, when it continues their text. */
  readonly after: readonly number[] | undefined
  /** Text to show before the answer. */
  readonly lead: string
  /** How calls of tools are written; undefined when the request has no tools. */
  readonly tools:
    | { readonly tokens: ToolCallTokens; readonly maxCalls: number; readonly forced?: ForcedCall }
    | undefined
}

interface Piece {
  text: string
  readonly deltas: ToolCallDelta[]
}

/**
 * Makes text, and calls of tools, out of the tokens of one answer. `see` takes them as they are chosen, which may be ahead
 * of the reader; `step` gives the chunks in the reader's time.
 */
export class Answer {
  private readonly stream: ReturnType<Tokenizer['stream']>
  private readonly filter: StopFilter
  private readonly seen: Piece[] = []
  private calls: ToolCallStream | undefined
  private open: { text: string; deltas: ToolCallDelta[]; ids: number[]; logprobs: TokenLogprob[] }
  private readonly whole = { text: '', ids: [] as number[], logprobs: [] as TokenLogprob[] }
  private complete: readonly CompleteToolCall[] = []

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly options: AnswerOptions,
  ) {
    this.stream = tokenizer.stream(options.after === undefined ? {} : { after: options.after })
    this.filter = new StopFilter(options.stops)
    this.open = { text: options.lead, deltas: [], ids: [], logprobs: [] }
    if (options.tools?.forced) {
      this.calls = this.newCalls()
      this.open.deltas.push(...options.tools.forced.feed(this.calls))
    }
  }

  /** Takes a token; true when a stop text is complete. */
  see(tokenId: number): boolean {
    const piece: Piece = { text: '', deltas: [] }
    this.seen.push(piece)
    const control = this.options.tools?.tokens.controls.get(tokenId)
    if (this.calls === undefined) {
      if (tokenId === this.options.tools?.tokens.begin) {
        piece.text = this.filter.push(this.stream.flush()) + this.filter.flush()
        this.calls = this.newCalls()
        return false
      }
      piece.text = this.filter.push(this.stream.push(tokenId))
      return this.filter.stopped
    }
    // Stop texts end answers, not the JSON of a call.
    if (control === undefined) piece.deltas.push(...this.calls.push(this.stream.push(tokenId)))
    else piece.deltas.push(...this.calls.push(this.stream.flush()), ...this.calls.pushControl(control))
    return false
  }

  /** The chunk that is due with a step, if any. */
  step({ tokenId, logprobs, finish_reason }: GenerationStep): ChatChunk | undefined {
    const { open } = this
    const piece = this.seen.shift()
    open.text += piece?.text ?? ''
    open.deltas.push(...(piece?.deltas ?? []))
    open.ids.push(tokenId)
    if (logprobs && !this.tokenizer.isControl(tokenId)) open.logprobs.push(tokenLogprob(this.tokenizer, logprobs))
    if (finish_reason) return this.close(finish_reason)
    return open.text !== '' || open.deltas.length > 0 ? this.chunk(null) : undefined
  }

  /** The answer so far. */
  choice(finish_reason: ChatFinishReason): ChatChoice {
    const { text, ids, logprobs } = this.whole
    return {
      index: this.options.index,
      text,
      token_ids: ids,
      logprobs: this.options.logprobs ? logprobs : null,
      tool_calls: this.complete.length > 0 ? this.complete : null,
      finish_reason,
    }
  }

  private close(reason: FinishReason): ChatChunk {
    const { open } = this
    const rest = this.stream.flush()
    if (this.calls === undefined) {
      open.text += this.filter.push(rest) + this.filter.flush()
      return this.chunk(reason)
    }
    open.deltas.push(...this.calls.push(rest))
    const end = this.calls.flush()
    open.deltas.push(...end.deltas)
    open.text += end.rest
    this.complete = end.calls
    return this.chunk(reason === 'stop' && end.calls.length > 0 ? 'tool_calls' : reason)
  }

  private chunk(finish_reason: ChatFinishReason | null): ChatChunk {
    const { text, deltas, ids, logprobs } = this.open
    this.open = { text: '', deltas: [], ids: [], logprobs: [] }
    this.whole.text += text
    this.whole.ids.push(...ids)
    this.whole.logprobs.push(...logprobs)
    return {
      index: this.options.index,
      text,
      token_ids: ids,
      logprobs: this.options.logprobs ? logprobs : null,
      tool_calls: deltas.length > 0 ? deltas : null,
      finish_reason,
    }
  }

  private newCalls(): ToolCallStream {
    const { tokens, maxCalls } = this.options.tools!
    return new ToolCallStream({ named: tokens.named, maxCalls })
  }
}
