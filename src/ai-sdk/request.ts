/** A call of the AI SDK as a request to the model. */
import type { ChatRequest } from '../chat/request.ts'
import { ParameterError } from '../errors.ts'
import type { ChatMessage, TextPart, Tool, ToolCall } from '../tokenizer/chat-messages.ts'
import type { CallOptions, CallPart, PromptMessage, ResponseFormat, Warning } from './types.ts'

/** The name under which calls hold options of this provider. */
export const PROVIDER = 'mistral-webgpu'

type Fields = Readonly<Record<string, unknown>>

/** @throws ParameterError naming the field */
export function requestOf(options: CallOptions): { request: ChatRequest; warnings: Warning[] } {
  const warnings: Warning[] = []
  const tools = (options.tools ?? []).flatMap((tool) => toolOf(tool, warnings))
  const fields = {
    max_new_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    stop: options.stopSequences,
    top_p: options.topP,
    top_k: options.topK,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    seed: options.seed,
    ...formatOf(options.responseFormat),
    ...(tools.length > 0 && { tools, tool_choice: choiceOf(options.toolChoice) }),
    ...options.providerOptions?.[PROVIDER],
  }
  return { request: { messages: messagesOf(options.prompt), ...fields } as ChatRequest, warnings }
}

/** As `response_format` of chat completions. */
function formatOf(format: ResponseFormat | undefined): object {
  if (format === undefined || format.type === 'text') return {}
  const { schema, name = 'response', description } = format
  if (schema === undefined) return { response_format: { type: 'json_object' } }
  const json_schema = { name, schema, strict: true, ...(description !== undefined && { description }) }
  return { response_format: { type: 'json_schema', json_schema } }
}

function toolOf(tool: CallPart, warnings: Warning[]): Tool[] {
  const { type, name, description, inputSchema: parameters, strict, inputExamples } = tool as CallPart & Fields
  if (type !== 'function') {
    warnings.push({ type: 'unsupported', feature: `tool ${String(name)}`, details: 'there are no built-in tools here' })
    return []
  }
  if (Array.isArray(inputExamples) && inputExamples.length > 0) {
    warnings.push({ type: 'unsupported', feature: `examples of the tool ${String(name)}` })
  }
  const fn = { name: name as string, parameters, ...(typeof description === 'string' && { description }) }
  return [{ type, function: { ...fn, ...(typeof strict === 'boolean' && { strict }) } }]
}

function choiceOf(choice: CallOptions['toolChoice']): unknown {
  if (choice === undefined) return undefined
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.toolName } } : choice.type
}

function messagesOf(prompt: readonly PromptMessage[]): ChatMessage[] {
  return prompt.flatMap(({ role, content }, i): ChatMessage[] => {
    if (typeof content === 'string') return [{ role, content }]
    const at = `prompt[${i}].content`
    if (role === 'tool') return content.flatMap((part) => resultOf(part))
    if (role === 'assistant') return [answered(content, at)]
    return [{ role, content: content.map((part, j) => textOf(part, `${at}[${j}]`)) }]
  })
}

function textOf(part: CallPart, at: string): TextPart {
  const { type, text } = part as CallPart & Fields
  if (type === 'text') return { type, text: text as string }
  throw new ParameterError(`${at}.type`, type, 'must be "text": the model reads text only')
}

function answered(content: readonly CallPart[], at: string): ChatMessage {
  let text = ''
  let thought = ''
  const calls: ToolCall[] = []
  for (const [j, part] of content.entries()) {
    if (part.type === 'reasoning') thought += (part as CallPart & Fields).text as string
    else if (part.type === 'tool-call') {
      const { toolCallId, toolName, input } = part as CallPart & {
        toolCallId: string
        toolName: string
        input: unknown
      }
      calls.push({ id: toolCallId, type: 'function', function: { name: toolName, arguments: input } })
    } else text += textOf(part, `${at}[${j}]`).text
  }
  return {
    role: 'assistant',
    content: text === '' && (calls.length > 0 || thought !== '') ? null : text,
    ...(thought !== '' && { reasoning_content: thought }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

/** Approvals are the SDK's own business: it runs what was approved, and tells what was denied. */
function resultOf(part: CallPart): ChatMessage[] {
  if (part.type !== 'tool-result') return []
  const { toolCallId, toolName, output } = part as CallPart & { toolCallId: string; toolName: string; output: unknown }
  return [{ role: 'tool', tool_call_id: toolCallId, name: toolName, content: resultText(output as ToolOutput) }]
}

type ToolOutput = { readonly type: string; readonly value?: unknown; readonly reason?: string | undefined }

function resultText({ type, value, reason }: ToolOutput): string {
  if (type === 'text') return value as string
  if (type === 'error-text') return `Error: ${value}`
  if (type === 'error-json') return `Error: ${JSON.stringify(value)}`
  if (type === 'execution-denied') return `Error: the user did not allow it${reason ? `: ${reason}` : ''}`
  if (type !== 'content') return JSON.stringify(value)
  return (value as readonly CallPart[]).map((part, i) => textOf(part, `output.value[${i}]`).text).join('\n')
}
