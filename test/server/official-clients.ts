/** The clients that vendors publish, each on an app of ours in place of a network. */
import Anthropic from '@anthropic-ai/sdk'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import type { ResponseStreamEvent } from 'openai/resources/responses/responses'
import type { MistralApp } from '../../src/server/index.ts'

export function openaiOf(app: MistralApp): OpenAI {
  const fetch = app.fetch as typeof globalThis.fetch
  return new OpenAI({ apiKey: 'local', baseURL: 'http://localhost/v1', fetch, maxRetries: 0 })
}

export function anthropicOf(app: MistralApp, apiKey = 'local'): Anthropic {
  return new Anthropic({ apiKey, baseURL: 'http://localhost', fetch: app.fetch as typeof fetch, maxRetries: 0 })
}

export function ollamaOf(app: MistralApp, headers: Record<string, string> = {}): Ollama {
  return new Ollama({ host: 'http://localhost:11434', fetch: app.fetch as typeof fetch, headers })
}

/** The events of a streamed response. */
export async function eventsOf(client: OpenAI, body: object): Promise<ResponseStreamEvent[]> {
  const stream = await client.responses.create({ model: 'm', input: 'Hi', ...body, stream: true })
  const events: ResponseStreamEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}
