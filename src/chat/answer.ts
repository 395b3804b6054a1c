/** Text, thoughts and calls of tools out of the tokens of one answer. */
import type { FinishReason, NotedStep, Verdict } from '../generate/types.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { ShownLogprobs } from './shown-logprobs.ts'
import { StopFilter } from './stop-filter.ts'
import type { ThinkingTokens } from './thoughts.ts'
import { type TokenLogprob, textOf, tokenLogprob } from './token-logprob.ts'
import type { CompleteToolCall, ToolCallDelta, ToolCallStream } from './tool-calls.ts'
import type { AnswerTools } from './tool-tokens.ts'

/** `tool_calls`: the model ended with calls of tools. */
export type ChatFinishReason = FinishReason | 'tool_calls'

/** A piece of an answer. All pieces' texts joined are the answer. */
export interface ChatChunk {
  /** Which of the `n` answers. */
  readonly index: number
  readonly text: string
  /** A part of what the model thinks, which is no part of the text; null when there is none in this piece. */
  readonly reasoning_content: string | null
  /** The tokens that came since the piece before, a forced call's among them; their text may be part of a later piece. */
  readonly token_ids: readonly number[]
  /**
   * Of the tokens whose text begins in this piece; null unless the request asked for them. Tokens of which no text is
   * shown have none: control tokens, thoughts, calls of tools, a stop text.
   */
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
  /** The thoughts before or between the parts of the text; null when there are none. */
  readonly reasoning_content: string | null
  readonly token_ids: readonly number[]
  /** Of the tokens that the text is made of; null unless the request asked for them. */
  readonly logprobs: readonly TokenLogprob[] | null
  /** The last of them may be cut off where the finish reason is not `tool_calls`. */
  readonly tool_calls: readonly CompleteToolCall[] | null
  readonly finish_reason: ChatFinishReason
  /** The stop text that ended the answer; null when none did. */
  readonly stop_reason: string | null
  /** How many of the tokens are a thought; its marks do not count. */
  readonly reasoning_tokens: number
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
  readonly tools: AnswerTools | undefined
  /** How thoughts are marked, and whether the prompt ends inside one; undefined where they are not told from text. */
  readonly thinking?: (ThinkingTokens & ThoughtOptions) | undefined
}

export interface ThoughtOptions {
  /** The prompt ends inside a thought. */
  readonly open: boolean
  /** Tokens that it may have. */
  readonly budget?: number | undefined
  /** Thoughts are left out of what is returned. */
  readonly hidden?: boolean
}

/** The part of the answer that one token adds. */
export interface Piece {
  text: string
  thought: string
  readonly deltas: ToolCallDelta[]
  /** Where the token's text begins, for its log-probability; undefined when it gives none. */
  at: number | undefined
  /** The token begins a text. */
  readonly begins: boolean
  /** The answer stops here because the thought has used up its tokens, and goes on behind its end. */
  over: boolean
}

/**
 * Makes text, and calls of tools, out of the tokens of one answer. `see` takes them as they are chosen, which may be ahead
 * of the reader; `step` gives the chunks in the reader's time.
 */
export class Answer {
  private readonly stream: ReturnType<Tokenizer['stream']>
  private readonly filter: StopFilter
  private readonly held = new ShownLogprobs()
  /** Characters that the tokens gave before any call, and those of them that were shown. */
  private made = 0
  private shown = 0
  private calls: ToolCallStream | undefined
  /** The tokens that come now are a thought. */
  private thinks: boolean
  private thoughtTokens = 0
  private open: { text: string; thought: string; deltas: ToolCallDelta[]; ids: number[]; logprobs: TokenLogprob[] }
  private readonly whole = { text: '', thought: '', ids: [] as number[], logprobs: [] as TokenLogprob[] }
  private complete: readonly CompleteToolCall[] = []

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly options: AnswerOptions,
  ) {
    this.stream = tokenizer.stream(options.after === undefined ? {} : { after: options.after })
    this.filter = new StopFilter(options.stops)
    this.thinks = options.thinking?.open ?? false
    this.open = { text: options.lead, thought: '', deltas: [], ids: [], logprobs: [] }
    const forced = options.tools?.forced
    if (forced) {
      this.calls = this.newCalls(forced.named)
      this.open.deltas.push(...forced.feed(this.calls))
      this.open.ids.push(...forced.ids)
    }
  }

  /**
   * Takes a token as it is chosen. The answer stops when a stop text is complete, or when there are as many calls as the
   * request allows. What the token adds is the note of its step.
   */
  see(tokenId: number): Verdict<Piece> {
    const piece: Piece = { text: '', thought: '', deltas: [], at: undefined, begins: this.stream.begins, over: false }
    const { tools, thinking } = this.options
    // Stop texts end answers, not the JSON of a call, and not a thought.
    if (this.calls !== undefined) this.seeCall(tokenId, piece, this.calls)
    else if (tokenId === tools?.tokens.begin) {
      this.endPart(piece)
      piece.text += this.filter.flush()
      this.calls = this.newCalls()
    } else if (tokenId === (this.thinks ? thinking?.end : thinking?.begin)) {
      this.endPart(piece)
      this.thinks = !this.thinks
    } else if (this.thinks) {
      this.thoughtTokens++
      piece.thought = this.stream.push(tokenId)
    } else this.seeText(tokenId, piece)
    const stop = this.filter.stopped || (this.calls?.full ?? false)
    piece.over = !stop && this.overBudget
    return { stop: stop || piece.over, note: piece }
  }

  /** The id that ends thoughts, where they have a limit. */
  get thoughtLimit(): number | undefined {
    const { thinking } = this.options
    return thinking?.budget === undefined ? undefined : thinking.end
  }

  /** Tokens at its beginning that stand in the prompt. */
  get forcedCount(): number {
    return this.options.tools?.forced?.ids.length ?? 0
  }

  /** The log-probability of a token waits for its text to be shown. */
  get holdsBack(): boolean {
    return this.held.size > 0
  }

  /** The same answer before its first token. */
  again(): Answer {
    return new Answer(this.tokenizer, this.options)
  }

  /** The answer is in a thought that has used up its tokens. */
  get overBudget(): boolean {
    return this.thinks && this.calls === undefined && this.thoughtTokens >= (this.options.thinking?.budget ?? Infinity)
  }

  /** Takes the rest of the text, or of the thought, when something else begins. */
  private endPart(piece: Piece): void {
    const rest = this.stream.flush()
    if (this.thinks) {
      piece.thought += rest
      return
    }
    this.made += rest.length
    piece.text += this.filter.push(rest)
  }

  private seeText(tokenId: number, piece: Piece): void {
    const text = this.stream.push(tokenId)
    piece.at = this.placeOf(tokenId, text, this.made, piece.begins)
    this.made += text.length
    piece.text = this.filter.push(text)
  }

  private seeCall(tokenId: number, piece: Piece, calls: ToolCallStream): void {
    const at = this.made + calls.length
    const control = this.options.tools?.tokens.controls.get(tokenId)
    if (control === undefined) {
      const text = this.stream.push(tokenId)
      piece.at = this.placeOf(tokenId, text, at, piece.begins)
      piece.deltas.push(...calls.push(text))
      return
    }
    piece.deltas.push(...calls.push(this.stream.flush()))
    const before = this.made + calls.length
    piece.deltas.push(...calls.pushControl(control))
    // Its name is text where it broke a call off.
    if (this.made + calls.length > before) piece.at = before
  }

  /** Where the token's own text begins, when `text` came with it at the place `at`. */
  private placeOf(tokenId: number, text: string, at: number, begins: boolean): number | undefined {
    if (!this.options.logprobs || this.tokenizer.isControl(tokenId)) return undefined
    // Bytes before it that became no character come with it, as U+FFFD.
    const own = textOf(this.tokenizer.tokenBytes(tokenId, { begins }))
    return text.endsWith(own) ? at + text.length - own.length : at
  }

  /** The chunk that is due with a step, if any. */
  step({ tokenId, logprobs, finishReason, note }: NotedStep<Piece>): ChatChunk | undefined {
    const { open } = this
    const { text, thought, deltas, at, begins } = note!
    open.text += text
    open.thought += this.options.thinking?.hidden ? '' : thought
    open.deltas.push(...deltas)
    open.ids.push(tokenId)
    if (logprobs && at !== undefined) this.held.add(at, tokenLogprob(this.tokenizer, logprobs, begins))
    this.show(text)
    if (finishReason) return this.close(finishReason)
    return open.text !== '' || open.thought !== '' || open.deltas.length > 0 ? this.chunk(null) : undefined
  }

  private show(text: string): void {
    this.shown += text.length
    this.open.logprobs.push(...this.held.take(this.shown))
  }

  /** The answer so far. */
  choice(finish_reason: ChatFinishReason): ChatChoice {
    const { text, thought, ids, logprobs } = this.whole
    return {
      index: this.options.index,
      text,
      reasoning_content: thought === '' ? null : thought,
      token_ids: ids,
      logprobs: this.options.logprobs ? logprobs : null,
      tool_calls: this.complete.length > 0 ? this.complete : null,
      finish_reason,
      stop_reason: this.filter.found ?? null,
      reasoning_tokens: this.thoughtTokens,
    }
  }

  private close(reason: FinishReason): ChatChunk {
    const { open, calls, filter } = this
    const last = this.stream.flush()
    if (calls === undefined) {
      if (this.thinks && !this.options.thinking?.hidden) open.thought += last
      const text = filter.push(this.thinks ? '' : last) + filter.flush()
      open.text += text
      this.show(text)
      return this.chunk(reason)
    }
    open.deltas.push(...calls.push(last))
    const end = calls.flush()
    open.deltas.push(...end.deltas)
    // Half of a call is no text, as at other servers: that the answer was cut off is said by its reason.
    const rest = reason === 'length' && end.nameless ? '' : end.rest
    const text = filter.push(rest) + filter.flush()
    open.text += text
    if (text !== '') {
      const start = this.made + calls.length - rest.length
      this.held.skipTo(start)
      open.logprobs.push(...this.held.take(start + text.length))
    }
    this.complete = end.calls
    const ended: FinishReason = filter.stopped ? 'stop' : reason
    return this.chunk(ended === 'stop' && end.calls.length > 0 && end.whole ? 'tool_calls' : ended)
  }

  private chunk(finish_reason: ChatFinishReason | null): ChatChunk {
    const { text, thought, deltas, ids, logprobs } = this.open
    this.open = { text: '', thought: '', deltas: [], ids: [], logprobs: [] }
    this.whole.text += text
    this.whole.thought += thought
    this.whole.ids.push(...ids)
    this.whole.logprobs.push(...logprobs)
    return {
      index: this.options.index,
      text,
      reasoning_content: thought === '' ? null : thought,
      token_ids: ids,
      logprobs: this.options.logprobs ? logprobs : null,
      tool_calls: deltas.length > 0 ? deltas : null,
      finish_reason,
    }
  }

  private newCalls(forced = false): ToolCallStream {
    const { tokens, maxCalls, Calls } = this.options.tools!
    return new Calls({ named: tokens.named, maxCalls, forced })
  }
}
