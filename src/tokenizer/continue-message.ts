/** Prompts that end inside their last message, for templates that close every message; as transformers makes them. */
import { ParameterError } from '../errors.ts'

/**
 * Stands behind the text to go on with. Noncharacters, which no text of a message has after the guard; the space at the
 * end tells whether the template trims.
 */
const MARK = '\ufdd0\ufdd3'
const TAG = `${MARK} `

interface Part {
  readonly type?: unknown
  readonly text?: unknown
}

interface Message {
  readonly content?: unknown
}

/**
 * A copy of the messages with a mark behind the last text of the last one, and that text.
 * @throws ParameterError naming the last message's content when it has no text
 */
export function markEnd<M extends Message>(messages: readonly M[]): { messages: M[]; text: string } {
  const last = messages.at(-1)!
  const { content } = last
  const marked = (text: string, changed: unknown) => ({
    messages: [...messages.slice(0, -1), { ...last, content: changed }],
    text,
  })
  if (typeof content === 'string') return marked(content, content + TAG)
  const parts = (content ?? []) as readonly Part[]
  const at = parts.findLastIndex(({ text }) => typeof text === 'string')
  if (at < 0) {
    const fact = 'has no text to go on with, which a chat template of the checkpoint needs'
    throw new ParameterError(`messages[${messages.length - 1}].content`, content, fact)
  }
  const text = parts[at]!.text as string
  return marked(text, parts.with(at, { ...parts[at], text: text + TAG }))
}

/**
 * Cuts the rendered text at the mark. A template that trims contents has trimmed before it, too.
 * @returns undefined when the template did not write the text as it stands
 */
export function cutAtEnd(rendered: string, text: string): string | undefined {
  const end = rendered.lastIndexOf(MARK)
  if (end < 0 || !rendered.includes(text.trim())) return undefined
  const upTo = rendered.slice(0, end)
  return rendered[end + MARK.length] === ' ' ? upTo : upTo.trimEnd()
}
