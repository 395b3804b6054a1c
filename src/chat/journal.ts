/** What is written down of an answer on its way, so that another process goes on with it: after a reload, or a crash. */
import { ParameterError } from '../errors.ts'
import { randomSeed } from '../sampling/random.ts'
import type { ChatChunk, ChatFinishReason } from './answer.ts'
import type { ChatCompletion } from './chat-model.ts'
import type { ChatRequest } from './request.ts'
import type { Begun } from './resume.ts'

/** What a reader has of one answer. */
export interface JournalChoice {
  readonly token_ids: readonly number[]
  readonly text: string
  readonly finish_reason: ChatFinishReason | null
}

/** A journal as plain data. */
export interface JournalJson {
  readonly version: 1
  readonly request: ChatRequest
  /** The seed of a request that names none. */
  readonly seed: number
  /** By the answers' indices; null for one that has not begun. */
  readonly choices: readonly (JournalChoice | null)[]
}

interface Choice {
  token_ids: number[]
  text: string
  finish_reason: ChatFinishReason | null
}

/**
 * A request with the tokens of its answer so far. `chat.resume(journal)` begins the answer or goes on with it, and adds each
 * chunk before its reader gets it; `JSON.stringify(journal)` is what to store, `fromJSON` reads it.
 */
export class AnswerJournal {
  readonly request: ChatRequest
  #seed = randomSeed()
  #choices: (Choice | undefined)[] = []

  /** Throws `ParameterError` when the request has what JSON cannot hold. */
  constructor(request: ChatRequest) {
    this.request = JSON.parse(JSON.stringify(request, refuseOthers) ?? 'null')
  }

  /** Reads what `toJSON` wrote. Throws `ParameterError` for anything else. */
  static fromJSON(json: unknown): AnswerJournal {
    const { version, request, seed, choices } = (json ?? {}) as Partial<JournalJson>
    if (version !== 1) throw new ParameterError('journal.version', version, 'must be 1, the version of this library')
    if (typeof request !== 'object' || request === null) {
      throw new ParameterError('journal.request', request, 'must be an object')
    }
    if (!Number.isSafeInteger(seed)) throw new ParameterError('journal.seed', seed, 'must be an integer')
    if (!Array.isArray(choices)) throw new ParameterError('journal.choices', choices, 'must be a list')
    const journal = new AnswerJournal(request)
    journal.#seed = seed as number
    journal.#choices = choices.map(checkedChoice)
    return journal
  }

  /** The texts of the answers so far, by their indices. */
  get texts(): string[] {
    return Array.from(this.#choices, (choice) => choice?.text ?? '')
  }

  /** @internal The chunks that `start` gives of the answers from where they are, each written down before it is read. */
  async *follow(
    start: (begun: Begun) => AsyncGenerator<ChatChunk, ChatCompletion, undefined>,
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
    const choices = this.#choices.map((one) => one && { tokenIds: [...one.token_ids], finishReason: one.finish_reason })
    const chunks = start({ seed: this.#seed, choices })
    try {
      for (;;) {
        const next = await chunks.next()
        if (next.done) return next.value
        this.#add(next.value)
        yield next.value
      }
    } finally {
      await chunks.return(undefined as never)
    }
  }

  #add({ index, token_ids, text, finish_reason }: ChatChunk): void {
    this.#choices[index] ??= { token_ids: [], text: '', finish_reason: null }
    const choice = this.#choices[index]
    choice.token_ids.push(...token_ids)
    choice.text += text
    choice.finish_reason = finish_reason
  }

  toJSON(): JournalJson {
    const choices = Array.from(this.#choices, (choice) => choice ?? null)
    return { version: 1, request: this.request, seed: this.#seed, choices }
  }
}

function checkedChoice(value: unknown, index: number): Choice | undefined {
  if (value === null) return undefined
  const { token_ids, text, finish_reason } = (value ?? {}) as Partial<JournalChoice>
  const good =
    Array.isArray(token_ids) &&
    token_ids.every((id) => Number.isSafeInteger(id) && id >= 0) &&
    typeof text === 'string' &&
    (finish_reason === null || ['stop', 'length', 'tool_calls'].includes(finish_reason as string))
  if (!good) throw new ParameterError(`journal.choices[${index}]`, value, 'must have token_ids, text and finish_reason')
  return { token_ids: [...token_ids], text, finish_reason: finish_reason as ChatFinishReason | null }
}

/** JSON would leave these out, or make something else of them, without a word. */
function refuseOthers(key: string, value: unknown): unknown {
  const isPlain =
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    Object.getPrototypeOf(value) === Object.prototype
  if (
    !isPlain ||
    typeof value === 'function' ||
    typeof value === 'bigint' ||
    (typeof value === 'number' && !Number.isFinite(value))
  ) {
    throw new ParameterError(key, value, 'cannot be written to a journal: it is not JSON')
  }
  return value
}
