/**
 * Reads the calls that a model writes after the control token `[TOOL_CALLS]`, as they come.
 *
 * Two forms: a JSON array `[{"name": "f", "arguments": {…}, "id": "123456789"}, …]` (v3, v7), and, in vocabularies that
 * have `[ARGS]`, `name[ARGS]{…}` once for each call (v11 and newer, with `[CALL_ID]id` before `[ARGS]` in some).
 */
import { isJsonSpace, JsonScanner } from './json-scanner.ts'
import { ArgumentsReader, randomCallId } from './tool-arguments.ts'
import { type CompleteToolCall, OpenCall, type ToolCallDelta, type ToolCallEnd } from './tool-call-delta.ts'

export type { CompleteToolCall, ToolCallDelta, ToolCallEnd } from './tool-call-delta.ts'

export interface ToolCallStreamOptions {
  /** The vocabulary has `[ARGS]`: text that begins no JSON is the name of a function. False by default. */
  named?: boolean | undefined
  /** The first call was asked for by name: it is given out as soon as it has it. False by default. */
  forced?: boolean | undefined
  /** Calls beyond this are dropped: 1 for `parallel_tool_calls: false`. */
  maxCalls?: number | undefined
  /** Gives ids of 9 letters or digits. Random by default. */
  newId?: (() => string) | undefined
}

type Place =
  | 'start' // before `[`, a lone `{`, or a name
  | 'first-item'
  | 'item'
  | 'first-key'
  | 'key'
  | 'key-text'
  | 'colon'
  | 'value'
  | 'after-value'
  | 'after-item'
  | 'name'
  | 'call-id'
  | 'end'
  | 'broken'

const CALL_ID = /^[a-zA-Z0-9]{9}$/
/** The keys of a call. Another one may come with them, but in place of `arguments` it makes the object no call. */
const KEYS = ['name', 'arguments', 'id', 'type']
/** Places between calls, where nothing has been begun. */
const BETWEEN: readonly Place[] = ['start', 'first-item', 'item', 'after-item', 'end']
/** A "name" that goes on longer is none. */
const MAX_NAME = 256

/**
 * A call is given out as soon as it has a name and its arguments begin as an object, with an id: the model's own where it
 * stands before the arguments, else a new one, since clients need it at once and the model writes it last. Of a call that
 * breaks off, what was given out stands: it is among the calls, with its arguments as far as they were read, and its text
 * is not in `rest`.
 */
export class ToolCallStream {
  readonly #named: boolean
  readonly #maxCalls: number
  readonly #newId: () => string
  readonly #calls: CompleteToolCall[] = []
  #deltas: ToolCallDelta[] = []
  #place: Place = 'start'
  #call: OpenCall
  /** In the form `name[ARGS]…` no object surrounds the arguments. */
  #bare = false
  /** The object stands alone, without an array around it. */
  #single = false
  /** The characters of the answer that have been read. */
  #length = 0
  /** Text since the last complete call, or since the place where a call with a name broke. */
  #raw = ''
  /** The character, or the control token's name, that is looked at. */
  #piece = ''
  #key = ''
  /** The object that is read has keys that no call has. */
  #strange = false
  /** In the form `name[ARGS]…`, before `[ARGS]`. */
  #name = ''
  #word = ''
  #scanner = new JsonScanner()
  #arguments: ArgumentsReader | undefined

  constructor(options: ToolCallStreamOptions = {}) {
    this.#named = options.named ?? false
    this.#call = new OpenCall(options.forced)
    this.#maxCalls = options.maxCalls ?? Number.POSITIVE_INFINITY
    this.#newId = options.newId ?? randomCallId
  }

  /** There are as many calls as were allowed: what the model goes on to write is nothing. */
  get full(): boolean {
    return this.#calls.length >= this.#maxCalls
  }

  /** Characters of the text so far; `rest` of `flush` is an end of this text. Names of control tokens count with it. */
  get length(): number {
    return this.#length
  }

  /** Text that the model wrote after `[TOOL_CALLS]`. */
  push(text: string): ToolCallDelta[] {
    for (const char of text.split('')) {
      if (this.full) break
      this.#read(char)
      if (this.#place !== 'broken') this.#step(char)
    }
    return this.#take()
  }

  /** A control token by its name: `[TOOL_CALLS]` again, `[CALL_ID]`, `[ARGS]`; any other breaks a call off. */
  pushControl(name: string): ToolCallDelta[] {
    if (this.full) return []
    if (name === '[TOOL_CALLS]' && (this.#place === 'end' || (this.#place === 'start' && this.#raw.trim() === ''))) {
      this.#place = 'start'
      return []
    }
    this.#read(name)
    if (name === '[CALL_ID]' && this.#place === 'name') this.#endName('call-id')
    else if (name === '[ARGS]' && this.#place === 'name') this.#endName('value')
    else if (name === '[ARGS]' && this.#place === 'call-id') this.#endCallId()
    else this.#break()
    return this.#take()
  }

  /** The end of the answer. */
  flush(): ToolCallEnd {
    const broken = this.#place === 'broken'
    const deltas = [...this.#take(), ...(broken ? [] : this.#call.take(this.#calls.length, true))]
    const rest = this.#calls.length === 0 || this.#call.begun ? this.#raw : this.#raw.replace(/^\s*[,\]]?\s*/, '')
    const text = rest.trim() === '' ? '' : rest
    if (this.#call.begun) {
      const calls = [...this.#calls, this.#call.sum()]
      return { deltas, calls, whole: false, rest: broken ? text : '', nameless: false }
    }
    const whole = this.#calls.length === 0 || BETWEEN.includes(this.#place)
    const nameless = this.#calls.length === 0 && !broken && text !== ''
    return { deltas, calls: [...this.#calls], whole, rest: whole || broken ? text : '', nameless }
  }

  #read(piece: string): void {
    this.#piece = piece
    this.#raw += piece
    this.#length += piece.length
  }

  #break(): void {
    this.#place = 'broken'
    // The text before stands in the call that was given out.
    if (this.#call.begun) this.#raw = this.#piece
  }

  #step(char: string): void {
    switch (this.#place) {
      case 'name':
      case 'call-id':
        this.#word += char
        if (this.#word.length > MAX_NAME) this.#break()
        return
      case 'key-text':
        this.#word += char
        this.#follow(this.#scanner.push(char), () => {
          this.#key = JSON.parse(this.#word) as string
          this.#place = 'colon'
        })
        return
      case 'value':
        this.#inValue(char)
        return
      case 'end':
        return
    }
    if (!isJsonSpace(char)) this.#between(char)
  }

  #between(char: string): void {
    const place = this.#place
    if (place === 'start' && char === '[') this.#place = 'first-item'
    else if (char === '{' && (place === 'start' || place === 'item' || place === 'first-item')) {
      this.#single = place === 'start'
      this.#bare = false
      this.#place = 'first-key'
    } else if (place === 'start' && this.#named) {
      this.#word = char
      this.#place = 'name'
    } else if (char === '"' && (place === 'first-key' || place === 'key')) {
      this.#scanner = new JsonScanner()
      this.#scanner.push(char)
      this.#word = char
      this.#place = 'key-text'
    } else if (char === ':' && place === 'colon') this.#beginValue()
    else if (char === ',' && place === 'after-value') this.#place = 'key'
    else if (char === ',' && place === 'after-item') this.#place = 'item'
    else if (char === '}' && (place === 'after-value' || place === 'first-key')) this.#close()
    else if (char === ']' && (place === 'after-item' || place === 'first-item')) this.#place = 'end'
    else this.#break()
  }

  #beginValue(): void {
    const { name, arguments: args } = this.#call
    this.#place = 'value'
    this.#word = ''
    this.#scanner = new JsonScanner()
    this.#arguments = this.#bare || this.#key === 'arguments' ? new ArgumentsReader() : undefined
    const again = this.#arguments ? args !== undefined : this.#key === 'name' && name !== undefined
    if (again) this.#break()
    else if (!this.#bare && !KEYS.includes(this.#key)) this.#strange = true
  }

  #inValue(char: string): void {
    if (this.#arguments) {
      const step = this.#arguments.push(char)
      const text = this.#arguments.take()
      if (text !== '') this.#call.arguments = (this.#call.arguments ?? '') + text
      this.#follow(step, () => (this.#bare ? this.#close() : this.#afterValue()), char)
      return
    }
    const step = this.#scanner.push(char)
    if (step !== 'after' && (this.#key === 'name' || this.#key === 'id')) this.#word += char
    this.#follow(step, () => this.#afterValue(), char)
  }

  /** Goes on by what a scanner said; a character behind the value is then looked at again. */
  #follow(step: 'more' | 'end' | 'after' | 'error', ended: () => void, char?: string): void {
    if (step === 'more') return
    if (step === 'error') {
      this.#break()
      return
    }
    ended()
    if (step !== 'after' || char === undefined || this.#place === 'broken') return
    if (this.#place === 'end') this.#raw = char
    this.#step(char)
  }

  #afterValue(): void {
    this.#place = 'after-value'
    if (this.#key === 'name') {
      const name = stringIn(this.#word)
      if (name === undefined || name === '' || name.length > MAX_NAME) this.#break()
      else this.#call.setName(name, this.#newId)
    } else if (this.#key === 'id') {
      const id = stringIn(this.#word)
      if (id !== undefined && CALL_ID.test(id)) this.#call.id ??= id
    }
  }

  #endName(next: 'call-id' | 'value'): void {
    this.#name = this.#word.trim()
    this.#word = ''
    if (this.#name === '') this.#break()
    else if (next === 'call-id') this.#place = next
    else this.#endCallId()
  }

  #endCallId(): void {
    const id = this.#word.trim()
    if (CALL_ID.test(id)) this.#call.id = id
    this.#call.setName(this.#name, this.#newId)
    this.#bare = true
    this.#beginValue()
  }

  #close(): void {
    const call = this.#call
    if (call.name === undefined || (call.arguments === undefined && this.#strange)) {
      this.#break()
      return
    }
    call.arguments ??= '{}'
    this.#strange = false
    this.#deltas.push(...call.take(this.#calls.length))
    this.#calls.push(call.sum())
    this.#place = this.#bare || this.#single ? 'end' : 'after-item'
    this.#call = new OpenCall()
    this.#arguments = undefined
    this.#raw = ''
  }

  #take(): ToolCallDelta[] {
    const deltas = [...this.#deltas, ...this.#call.take(this.#calls.length)]
    this.#deltas = []
    return deltas
  }
}

/** undefined when the JSON text is no string. */
function stringIn(json: string): string | undefined {
  const value: unknown = JSON.parse(json)
  return typeof value === 'string' ? value : undefined
}
