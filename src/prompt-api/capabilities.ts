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
