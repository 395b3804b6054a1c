/** Calls of tools and their results, as the Prompt API's content holds them. */
import { notSupported } from './errors.ts'

/** What the model asks a tool. */
export class LanguageModelToolCall {
  readonly callID: string
  readonly name: string
  readonly arguments: object

  constructor(call: { callID: string; name: string; arguments?: object }) {
    const { callID, name, arguments: args = {} } = call
    this.callID = textOf(callID, 'callID')
    this.name = textOf(name, 'name')
    if (typeof args !== 'object' || args === null) throw new TypeError('arguments must be an object')
    this.arguments = args
  }
}

export interface ToolResultContent {
  /** A text, or what becomes one as JSON. */
  readonly type: 'text' | 'object'
  readonly value: unknown
}

const RESULT_TYPES: readonly unknown[] = ['text', 'object', 'image', 'audio']

/** What a tool gave. */
export class LanguageModelToolSuccess {
  readonly callID: string
  readonly name: string
  readonly result: readonly ToolResultContent[]

  constructor(result: { callID: string; name: string; result: readonly ToolResultContent[] }) {
    this.callID = textOf(result.callID, 'callID')
    this.name = textOf(result.name, 'name')
    this.result = [...result.result]
    for (const { type } of this.result) {
      if (!RESULT_TYPES.includes(type)) throw new TypeError(`"${type}" is no type of a result`)
    }
  }
}

/** Why a tool gave nothing. */
export class LanguageModelToolError {
  readonly callID: string
  readonly name: string
  readonly errorMessage: string

  constructor(error: { callID: string; name: string; errorMessage: string }) {
    this.callID = textOf(error.callID, 'callID')
    this.name = textOf(error.name, 'name')
    this.errorMessage = textOf(error.errorMessage, 'errorMessage')
  }
}

export type ToolResult = LanguageModelToolSuccess | LanguageModelToolError

/** A result as the model reads it. @throws DOMException `NotSupportedError`, `DataError` */
export function resultText(result: ToolResult): string {
  if (result instanceof LanguageModelToolError) return `Error: ${result.errorMessage}`
  return result.result.map(({ type, value }) => partText(type, value)).join('\n')
}

function partText(type: string, value: unknown): string {
  if (type === 'image' || type === 'audio') throw notSupported('the model reads text only')
  if (typeof value === 'string') return value
  const text = isPlain(value) ? jsonOf(value) : undefined
  if (text === undefined) throw new DOMException('the result of a tool must be a text or plain JSON', 'DataError')
  return text
}

/** Of objects of the platform nothing would be left as JSON. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true
  return 'toJSON' in value || Object.prototype.toString.call(value) === '[object Object]'
}

/** undefined for what JSON does not hold. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
  return value
}
