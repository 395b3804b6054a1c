/**
 * Mistral's own clients, which differ from OpenAI's in the errors that they read, in how calls of tools are streamed, and in
 * when they expect the usage. They are told by the name that they send. Whoever else sends fields of Mistral's API may read
 * either kind of errors, and gets both.
 */
import { checkMessages } from '../tokenizer/chat-messages.ts'

/** `@mistralai/mistralai`, which names itself twice where browsers keep its first name back; Python's; the AI SDK's. */
const NAMES = /\bmistral-client-|@mistralai\/mistralai|\bmistralai\/|\bai-sdk\/mistral\b/i

/** The AI SDK of Vercel, which leaves out which of its providers asks when an answer is not streamed. */
const UNNAMED = /\bai-sdk\/provider-utils\b/
/** Fields that only Mistral's API has. */
const FIELDS = ['random_seed', 'safe_prompt', 'prompt_mode', 'guardrails']

export function isMistralClient(headers: Headers): boolean {
  return ['user-agent', 'x-mistral-user-agent'].some((name) => NAMES.test(headers.get(name) ?? ''))
}

export function isUnnamedClient(headers: Headers): boolean {
  return UNNAMED.test(headers.get('user-agent') ?? '')
}

export function hasMistralFields(body: object): boolean {
  return FIELDS.some((name) => Object.hasOwn(body, name))
}

/** One entry of the list with which Mistral's API answers for a field that it does not take. */
export interface FieldDetail {
  readonly type: 'value_error'
  /** `['body', 'messages', 0, 'content']` for `messages[0].content`. */
  readonly loc: readonly (string | number)[]
  readonly msg: string
}

export function fieldDetail(param: string, message: string): FieldDetail {
  const steps = param.match(/\[\d+\]|[^.[\]]+/g) ?? []
  const loc = steps.map((step) => (step.startsWith('[') ? Number(step.slice(1, -1)) : step))
  return { type: 'value_error', loc: ['body', ...loc], msg: message }
}

/** The text that `safe_prompt` puts before a conversation, as Mistral publishes it. */
export const SAFE_PROMPT =
  'Always assist with care, respect, and truth. Respond with utmost utility yet securely. ' +
  'Avoid harmful, unethical, prejudiced, or negative content. Ensure replies promote fairness and positivity.'

/**
 * The conversation with the safe prompt before it: in its first message, where that is of the system.
 * @throws ParameterError naming `messages[i].field`, with the places as they were sent
 */
export function withSafePrompt(messages: readonly unknown[]): unknown[] {
  checkMessages(messages)
  const [first, ...rest] = messages as readonly { role: string; content?: string | readonly object[] | null }[]
  const { role, content } = first!
  if (role !== 'system' || content === undefined || content === null) {
    return [{ role: 'system', content: SAFE_PROMPT }, ...messages]
  }
  const joined =
    typeof content === 'string'
      ? [SAFE_PROMPT, content].filter((text) => text !== '').join('\n\n')
      : [{ type: 'text', text: SAFE_PROMPT }, ...content]
  return [{ ...first, content: joined }, ...rest]
}
