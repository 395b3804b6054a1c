/** What the model of the page can do for a session, and the wait for it. */
import type { ChatModel } from '../chat/chat-model.ts'
import type { ChatRequest } from '../chat/request.ts'
import type { Tool } from '../tokenizer/chat-messages.ts'
import { notSupported } from './errors.ts'
import type { CreateCoreOptions, LanguageModelTool } from './options.ts'

/** Tools as requests to the model have them; undefined when there are none. */
export function toolsOf(tools: readonly LanguageModelTool[]): readonly Tool[] | undefined {
  if (tools.length === 0) return undefined
  return tools.map(({ name, description, inputSchema: parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  }))
}

/**
 * The tools, with schemas of their own: what the caller does to theirs later changes nothing.
 * @throws TypeError for what is no tool; what a getter of a schema throws
 */
export function checkTools({ tools = [] }: CreateCoreOptions): readonly LanguageModelTool[] {
  const names = new Set<string>()
  return [...tools].map((tool) => {
    for (const field of ['name', 'description'] as const) {
      if (typeof tool[field] !== 'string' || tool[field] === '') throw new TypeError(`a tool needs a ${field}`)
    }
    if (tool.execute !== undefined && typeof tool.execute !== 'function') {
      throw new TypeError(`execute of the tool "${tool.name}" must be a function`)
    }
    if (names.has(tool.name)) throw new TypeError(`there are two tools with the name "${tool.name}"`)
    names.add(tool.name)
    return {
      ...tool,
      inputSchema: checkedSchema(tool.inputSchema as unknown, `inputSchema of the tool "${tool.name}"`),
    }
  })
}

function checkedSchema(schema: unknown, at: string): object {
  if (typeof schema !== 'object' || schema === null) throw new TypeError(`the ${at} must be an object`)
  const { type, properties, required } = schema as Record<string, unknown>
  if (type !== 'object') throw new TypeError(`the ${at} must have the type "object"`)
  if (properties !== undefined && (typeof properties !== 'object' || properties === null)) {
    throw new TypeError(`the properties in the ${at} must be an object`)
  }
  if (required !== undefined && !Array.isArray(required)) throw new TypeError(`required in the ${at} must be a list`)
  // Throws a TypeError where the schema holds itself.
  return JSON.parse(JSON.stringify(schema)) as object
}

/** Why a loaded model cannot do what the options ask; undefined when it can. */
export async function unsupported(
  chat: ChatModel,
  { tools = [] }: CreateCoreOptions,
  thinking: Pick<ChatRequest, 'reasoning_effort'>,
): Promise<unknown> {
  if (tools.length > 0 && !chat.takesTools) return notSupported("the model's chat template has no tools")
  if (thinking.reasoning_effort === undefined) return undefined
  try {
    await chat.encode({ messages: [{ role: 'user', content: '' }], ...thinking })
    return undefined
  } catch (error) {
    return notSupported('the model does not think before it answers', error)
  }
}

/** What the promise gives, unless the signal comes first. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
