/** Runs one request and hands over its text as it comes. */
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { MistralChat } from '../chat/mistral-chat.ts'
import type { ChatRequest } from '../chat/request.ts'

/**
 * @param take gets each piece of the text, and of what the model thinks; one of them may be empty
 * @returns the whole answer, with its lengths and times
 */
export async function streamAnswer(
  chat: Pick<MistralChat, 'generate'>,
  request: ChatRequest,
  signal: AbortSignal,
  take: (text: string, thought: string) => Promise<void>,
): Promise<ChatCompletion> {
  const stream = chat.generate(request, { signal })
  for await (const { text, reasoning_content } of stream) await take(text, reasoning_content ?? '')
  return stream.completion
}
