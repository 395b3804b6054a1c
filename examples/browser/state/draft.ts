/** An answer that grows: what is shown of it, and what is kept so that another page goes on with it. */
import { AnswerJournal, type ChatChunk, type ChatCompletion, type ChatRequest, type TokenLogprob } from 'mistral-webgpu'
import type { Entry, Numbers, Token } from './conversation.ts'
import type { KeptAnswer } from './store.ts'

/** What an answer has before its first token, where it goes on from something. */
export type Begun = Pick<Entry, 'tokens' | 'promptIds' | 'reasoning'> & Partial<Pick<Entry, 'id' | 'text'>>

interface DraftParts extends Pick<KeptAnswer, 'conversation' | 'model' | 'isContinued'> {
  readonly parent: string | undefined
  readonly journal: AnswerJournal
  readonly begun: Begun
  readonly arrivals?: readonly number[]
  readonly attempts?: number
}

export class Draft {
  readonly id: string
  readonly conversation: string
  readonly model: string
  readonly journal: AnswerJournal
  readonly #isContinued: boolean
  readonly #parent: string | undefined
  #promptIds: readonly number[] | undefined
  readonly #tokens: Token[]
  readonly #arrivals: number[]
  /** As if it had been written without a pause. */
  readonly #start: number
  #attempts: number
  #text: string
  #reasoning: string

  private constructor(parts: DraftParts) {
    const { conversation, model, isContinued, parent, journal, begun, arrivals = [], attempts = 0 } = parts
    this.id = begun.id ?? crypto.randomUUID()
    this.conversation = conversation
    this.model = model
    this.journal = journal
    this.#isContinued = isContinued
    this.#parent = parent
    this.#promptIds = begun.promptIds
    this.#tokens = [...(begun.tokens ?? [])]
    this.#text = begun.text ?? this.#tokens.map(({ text }) => text).join('')
    this.#reasoning = begun.reasoning ?? ''
    this.#arrivals = [...arrivals]
    this.#start = performance.now() - (arrivals.at(-1) ?? 0)
    this.#attempts = attempts
  }

  /** Throws `ParameterError` for a request that cannot be kept. */
  static of(parts: Omit<DraftParts, 'journal' | 'isContinued'>, request: ChatRequest): Draft {
    return new Draft({ ...parts, isContinued: parts.begun.id !== undefined, journal: new AnswerJournal(request) })
  }

  /** Goes on with what was kept. Throws `ParameterError` for what another version has kept. */
  static goingOn({ entry, journal, attempts, ...rest }: KeptAnswer): Draft {
    const arrivals = entry.numbers?.arrivals ?? []
    const parts = { parent: entry.parent, begun: entry, arrivals, attempts: attempts + 1 }
    return new Draft({ ...rest, ...parts, journal: AnswerJournal.fromJSON(journal) })
  }

  add(chunk: ChatChunk): void {
    this.#attempts = 0
    this.#text += chunk.text
    this.#reasoning += chunk.reasoning_content ?? ''
    this.#tokens.push(...(chunk.logprobs ?? []).map(tokenOf))
    const at = performance.now() - this.#start
    for (const _ of chunk.token_ids) this.#arrivals.push(at)
  }

  get attempts(): number {
    return this.#attempts
  }

  entry(): Entry {
    const arrivals = [...this.#arrivals]
    return {
      id: this.id,
      parent: this.#parent,
      role: 'assistant',
      text: this.#text,
      ...(this.#reasoning !== '' && { reasoning: this.#reasoning }),
      tokens: [...this.#tokens],
      ...(this.#promptIds && { promptIds: this.#promptIds }),
      model: this.model,
      numbers: numbersOf(arrivals, this.#promptIds?.length ?? 0),
    }
  }

  kept(): KeptAnswer {
    const { conversation, model, journal } = this
    const journey = { journal: journal.toJSON(), isContinued: this.#isContinued, attempts: this.#attempts }
    return { conversation, model, entry: this.entry(), ...journey }
  }

  /** Whether it can be told which tokens its prompt has, and is not known yet. */
  get lacksPrompt(): boolean {
    return !this.#isContinued && this.#promptIds === undefined && this.#tokens.length > 0
  }

  set promptIds(ids: readonly number[]) {
    this.#promptIds = ids
  }

  end({ usage, timings, prompt_token_ids, finish_reason }: ChatCompletion): Partial<Entry> {
    const promptIds = this.#promptIds ?? (this.#isContinued ? undefined : prompt_token_ids)
    return {
      ...(promptIds && { promptIds }),
      end: finish_reason,
      numbers: {
        promptTokens: usage.prompt_tokens,
        cachedTokens: usage.cached_tokens,
        answerTokens: usage.completion_tokens,
        prefillMs: timings.prefillMs,
        prefillPerSecond: timings.prefillTokensPerSecond,
        decodePerSecond: timings.decodeTokensPerSecond,
        arrivals: [...this.#arrivals],
      },
    }
  }
}

/** What is known before the end. */
function numbersOf(arrivals: readonly number[], promptTokens: number): Numbers {
  const [first = 0] = arrivals
  const seconds = ((arrivals.at(-1) ?? 0) - first) / 1000
  return {
    promptTokens,
    cachedTokens: 0,
    answerTokens: arrivals.length,
    prefillMs: first,
    prefillPerSecond: 0,
    decodePerSecond: seconds > 0 ? (arrivals.length - 1) / seconds : 0,
    arrivals,
  }
}

function tokenOf({ token, token_id, logprob, top_logprobs }: TokenLogprob): Token {
  const top = top_logprobs.map((one) => ({ id: one.token_id, text: one.token, logprob: one.logprob }))
  return { id: token_id, text: token, logprob, top }
}
