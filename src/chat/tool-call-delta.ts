/** Calls of tools in the shapes that OpenAI's API has, and the one that is being read. */

/** A piece of a call in the shape that OpenAI's API streams: id and name come once, `arguments` in parts to be joined. */
export interface ToolCallDelta {
  readonly index: number
  readonly id?: string
  readonly type?: 'function'
  readonly function: { readonly name?: string; readonly arguments?: string }
}

/**
 * A call as the deltas of a stream join to it. `arguments` is JSON text as the model wrote it. Of the last call it can be
 * the beginning of JSON only, or empty, where the answer was cut off (`max_tokens`) or the model broke it off: then the
 * answer's `finish_reason` is not `tool_calls`.
 */
export interface CompleteToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/** The result of an answer with calls. */
export interface ToolCallEnd {
  readonly deltas: ToolCallDelta[]
  /** The calls that all deltas join to; the last of them may be cut off. */
  readonly calls: CompleteToolCall[]
  /** Every call that was begun came to its end. */
  readonly whole: boolean
  /**
   * Text of the answer: what is no part of a call, as it stands. That is all, where there is no call; what follows the
   * place where the JSON of a call broke; text behind the calls. It is an end of all text pushed. The beginning of a
   * further call that was cut off before it had a name is not in it.
   */
  readonly rest: string
  /** The text ends inside of a first call that has no name yet: were it cut off here, `rest` would be half of a call. */
  readonly nameless: boolean
}

/** The call that is being read. It is announced, and what is known of it given out, when its arguments have begun. */
export class OpenCall {
  id: string | undefined
  /** The arguments as far as they were read; undefined before they begin. */
  arguments: string | undefined
  #name: string | undefined
  #announced = false
  /** Characters of the arguments that were given out. */
  #given = 0

  /** @param sure that it is one, as soon as it has a name */
  constructor(private readonly sure = false) {}

  get name(): string | undefined {
    return this.#name
  }

  /** Whether everything known of the call has been given out. */
  get begun(): boolean {
    return this.#announced || (this.#name !== undefined && (this.sure || this.arguments !== undefined))
  }

  /** `newId` gives an id to a call that has none yet: clients need it with the name, and models write theirs last. */
  setName(name: string, newId: () => string): void {
    this.#name = name
    this.id ??= newId()
  }

  /** Deltas of what is known and was not given out. `early`: also of a call whose arguments have not begun. */
  take(index: number, early = false): ToolCallDelta[] {
    const name = this.#name
    if (name === undefined || !(this.begun || early)) return []
    const deltas: ToolCallDelta[] = []
    if (!this.#announced) {
      deltas.push({ index, id: this.id as string, type: 'function', function: { name, arguments: '' } })
      this.#announced = true
    }
    const text = this.arguments?.slice(this.#given) ?? ''
    if (text !== '') deltas.push({ index, function: { arguments: text } })
    this.#given += text.length
    return deltas
  }

  /** The call that the deltas so far join to, once it has a name. */
  sum(): CompleteToolCall {
    const call = { name: this.#name as string, arguments: this.arguments ?? '' }
    return { id: this.id as string, type: 'function', function: call }
  }
}
