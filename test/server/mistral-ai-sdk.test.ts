/** Mistral's provider in the AI SDK, unmodified. */
import { createMistral } from '@ai-sdk/mistral'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { afterAll, describe, expect, test } from 'vitest'
import type { MistralApp } from '../../src/server/index.ts'
import { calling, scripted } from './mistral-scripts.ts'
import { messages, servePocket } from './pocket.ts'

const { chat, app, answer } = await servePocket()
afterAll(() => chat.dispose())

describe('@ai-sdk/mistral', () => {
  const provider = (target: MistralApp) =>
    createMistral({ baseURL: 'http://localhost/v1', apiKey: 'local', fetch: target.fetch as typeof fetch })

  test('gets the text, whole and streamed, with usage', async () => {
    const request = {
      model: provider(app)('pocket'),
      prompt: messages[0]!.content,
      temperature: 0,
      maxOutputTokens: 24,
    }
    const whole = await generateText(request)
    expect(whole.text).toBe(answer)
    const stream = streamText(request)
    expect(await stream.text).toBe(answer)
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens)
  })

  test('runs tools, and reports errors by their message', async () => {
    const { app: own } = scripted(calling)
    const places: unknown[] = []
    const wind = tool({
      inputSchema: jsonSchema<{ place: string }>({ type: 'object', properties: { place: { type: 'string' } } }),
      execute: async ({ place }) => {
        places.push(place)
        return 'hard'
      },
    })
    const stream = streamText({
      model: provider(own)('m'),
      prompt: 'streamed',
      tools: { wind },
      toolChoice: 'required',
      stopWhen: stepCountIs(2),
    })
    expect(await stream.text).toBe('It blows.')
    expect(places).toEqual(['Nice'])
    const failure = generateText({ model: provider(own)('m'), prompt: 'x', temperature: 9, seed: 5, maxRetries: 0 })
    await expect(failure).rejects.toThrow('must be a number from 0 to 2')
  })
})
