/** What Mistral's clients are tested with: an app of the fake model, and a conversation with a call. */
import { HTTPClient, Mistral } from '@mistralai/mistralai'
import type { AppOptions, MistralApp } from '../../src/server/index.ts'
import { appOf, type Json, type Step } from './fake-chat.ts'

export function clientOf({ fetch }: MistralApp, signal?: AbortSignal): Mistral {
  return new Mistral({
    apiKey: 'local',
    serverURL: 'http://localhost',
    // The signal that a call is given is lost when Node collects the request of which this client sends a copy.
    httpClient: new HTTPClient({ fetcher: async (request) => fetch(request, signal && { signal }) }),
  })
}

/** What the model is scripted to call. */
export const call = { id: 'abcdefghi', type: 'function', function: { name: 'wind', arguments: '{"place":"Nice"}' } }
/** One call of a tool, in parts, then an answer to its result. */
export function calling(request: Json): Step[] {
  if (request.messages.at(-1).role === 'tool') return [{ text: 'It blows.', finish_reason: 'stop' }]
  const { arguments: whole } = call.function
  return [
    { text: 'Let me see.' },
    { tool_calls: [{ index: 0, ...call, function: { ...call.function, arguments: '' } } as Json] },
    { tool_calls: [{ index: 0, function: { arguments: whole.slice(0, 5) } }] },
    { tool_calls: [{ index: 0, function: { arguments: whole.slice(5) } }], finish_reason: 'tool_calls' },
  ]
}

/** An app that says what is written down, and a client of it. */
export const scripted = (script: Parameters<typeof appOf>[0], options?: AppOptions) => {
  const made = appOf(script, options)
  Object.assign(made.chat, { takesTools: true })
  return { ...made, client: clientOf(made.app) }
}
