/** Calls of tools and their results, as the Prompt API's content holds them. */

/** What the model asks a tool. */
export class LanguageModelToolCall {
  readonly callId: string
  readonly name: string
  readonly arguments: object

  constructor(call: { callId: string; name: string; arguments?: object }) {
    const { callId, name, arguments: args = {} } = call
    this.callId = textOf(callId, 'callId')
    this.name = textOf(name, 'name')
    if (typeof args !== 'object' || args === null) throw new TypeError('arguments must be an object')
    this.arguments = args
  }
}

export interface ToolResultContent {
  readonly type: 'text' | 'object'
  readonly value: unknown
}

/** What a tool gave. */
export class LanguageModelToolSuccess {
  readonly callId: string
  readonly name: string
  readonly result: readonly ToolResultContent[]

  constructor(result: { callId: string; name: string; result: readonly ToolResultContent[] }) {
    this.callId = textOf(result.callId, 'callId')
    this.name = textOf(result.name, 'name')
    this.result = [...result.result]
    for (const { type, value } of this.result) {
      if (type !== 'text' && type !== 'object') throw new TypeError('a result must be of the type "text" or "object"')
      if (type === 'text') textOf(value, 'value')
    }
  }
}

/** Why a tool gave nothing. */
export class LanguageModelToolError {
  readonly callId: string
  readonly name: string
  readonly errorMessage: string

  constructor(error: { callId: string; name: string; errorMessage: string }) {
    this.callId = textOf(error.callId, 'callId')
    this.name = textOf(error.name, 'name')
    this.errorMessage = textOf(error.errorMessage, 'errorMessage')
  }
}

export type ToolResult = LanguageModelToolSuccess | LanguageModelToolError

/** A result as the model reads it. */
export function resultText(result: ToolResult): string {
  if (result instanceof LanguageModelToolError) return `Error: ${result.errorMessage}`
  return result.result
    .map(({ type, value }) => (type === 'text' ? (value as string) : JSON.stringify(value)))
    .join('\n')
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
  return value
}
