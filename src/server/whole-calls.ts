/** Calls of tools for clients that read no parts of them. */
import type { ToolCallDelta } from '../chat/tool-call-delta.ts'

export interface WholeCall {
  index: number
  id?: string
  type: 'function'
  function: { name: string; arguments: string }
}

/** Joins the parts of calls. */
export class WholeCalls {
  readonly calls: WholeCall[] = []

  add(deltas: readonly ToolCallDelta[]): void {
    for (const { index, id, function: part } of deltas) {
      this.calls[index] ??= { index, type: 'function', function: { name: '', arguments: '' } }
      const call = this.calls[index]
      if (id !== undefined) call.id = id
      call.function.name += part.name ?? ''
      call.function.arguments += part.arguments ?? ''
    }
  }

  get delta(): object {
    return this.calls.length > 0 ? { tool_calls: this.calls } : {}
  }
}
