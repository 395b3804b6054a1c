/**
 * Answers as Mistral's API gives them. A thought is a part of the content. In streams a call of a tool comes whole, with the
 * end of its choice, and the last chunk holds the usage, unasked: Mistral's clients read no parts of calls, no chunk
 * without choices, and no usage that is null.
 */
import { type AnswerHead, chatLogprobs, chunksOf, wireUsage } from './openai-wire.ts'
import type { ServedCompletion } from './records.ts'
import type { Pieces } from './run.ts'
import { WholeCalls } from './whole-calls.ts'

export async function* mistralEvents(
  pieces: Pieces<ServedCompletion>,
  head: AnswerHead & { choices: number },
): AsyncGenerator<object, void, undefined> {
  const chunk = chunksOf(head, 'chat.completion.chunk', false)
  const choice = (index: number, delta: object, rest: object = {}) =>
    chunk([{ index, delta, logprobs: null, finish_reason: null, ...rest }])
  const calls = Array.from({ length: head.choices }, () => new WholeCalls())
  let ending: object | undefined
  const roles = calls.map((_, index) => choice(index, { role: 'assistant', content: '' }))
  for await (const { index, text, reasoning_content: thought, logprobs, tool_calls, finish_reason } of pieces) {
    // The first piece comes before the first event: what fails until then gets a status of its own.
    yield* roles.splice(0)
    calls[index]!.add(tool_calls ?? [])
    if (thought !== null) yield choice(index, { content: [thoughtPart(thought)] })
    if (text !== '') yield choice(index, { content: text }, { logprobs: chatLogprobs(logprobs) })
    if (finish_reason === null) continue
    if (ending !== undefined) yield ending
    ending = choice(index, { content: '', ...calls[index]!.delta }, { finish_reason })
  }
  const { usage, choices } = await pieces.result
  yield { ...ending, usage: wireUsage([usage], choices) }
}

/** The content of a message with a thought, which comes before the text. */
export function thoughtfulContent(thought: string, text: string): object[] {
  return [thoughtPart(thought), ...(text === '' ? [] : [{ type: 'text', text }])]
}

function thoughtPart(thought: string): object {
  return { type: 'thinking', thinking: [{ type: 'text', text: thought }] }
}
