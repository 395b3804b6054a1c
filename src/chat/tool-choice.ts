/** Checks what a request says about tools, and makes answers begin with a call. */
import { ParameterError } from '../errors.ts'
import { checkTools, type Tool } from '../tokenizer/tools.ts'

export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | 'any'
  | { readonly type: 'function'; readonly function: { readonly name: string } }

export interface ToolPlan {
  /** The functions to show to the model; undefined for none. */
  readonly tools: readonly Tool[] | undefined
  /** The answer must be a call: of any function, or of the one named. */
  readonly force: 'any' | { readonly name: string } | undefined
  /** Calls in one answer at most. */
  readonly maxCalls: number
}

/**
 * @throws ParameterError naming `tools[i].field`, `tool_choice`, or `parallel_tool_calls`
 */
export function planTools(request: {
  readonly tools?: unknown
  readonly tool_choice?: unknown
  readonly parallel_tool_calls?: unknown
}): ToolPlan {
  const tools = checkTools(request.tools)
  const parallel = request.parallel_tool_calls ?? true
  if (typeof parallel !== 'boolean') {
    throw new ParameterError('parallel_tool_calls', parallel, 'must be true or false')
  }
  const choice = request.tool_choice ?? (tools === undefined ? 'none' : 'auto')
  const maxCalls = parallel ? Number.POSITIVE_INFINITY : 1
  if (choice === 'none') return { tools: undefined, force: undefined, maxCalls }
  if (choice === 'auto') return { tools, force: undefined, maxCalls }
  // OpenAI's word and Mistral's.
  const name = choice === 'required' || choice === 'any' ? undefined : namedFunction(choice)
  if (tools === undefined) throw new ParameterError('tool_choice', choice, 'asks for a call, but there are no tools')
  if (name === undefined) return { tools, force: 'any', maxCalls }
  if (!tools.some((tool) => tool.function.name === name)) {
    throw new ParameterError('tool_choice', choice, 'names a function that is not among the tools')
  }
  // A named function is called once, as OpenAI's API does.
  return { tools, force: { name }, maxCalls: 1 }
}

function namedFunction(choice: unknown): string {
  const { type, function: fn } = (typeof choice === 'object' && choice !== null ? choice : {}) as Record<
    string,
    unknown
  >
  const name = (fn as { name?: unknown } | null | undefined)?.name
  // Mistral's API lets the type be left out.
  if ((type === undefined || type === 'function') && typeof name === 'string') return name
  throw new ParameterError(
    'tool_choice',
    choice,
    'must be "none", "auto", "required", "any" or {type: "function", function: {name}}',
  )
}
