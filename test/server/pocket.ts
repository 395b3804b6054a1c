import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { type ChatLoadOptions, MistralChat } from '../../src/index.ts'
import { createApp } from '../../src/server/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { SOON } from '../support/patience.ts'

/** The embedded model. */
export function loadPocket(options: ChatLoadOptions = {}): Promise<MistralChat> {
  const path = fileURLToPath(new URL('../../models/pocket', import.meta.url))
  return MistralChat.load(path, { disableFeatures: disabledFeatures(), ...options })
}

/** Waits until it is so; throws when that takes too long. */
export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { ...SOON, interval: 2 })
}

export const messages = [{ role: 'user' as const, content: 'What is a mistral?' }]
export const greedy = { model: 'pocket', messages, temperature: 0, max_tokens: 24 }
export const endless = { ...greedy, temperature: 1, seed: 1, max_tokens: 900, ignore_eos: true }

/** The embedded model behind the app, two requests at a time and one in the queue; the caller disposes the chat. */
export async function servePocket() {
  const chat = await loadPocket({ maxSequences: 2, maxQueue: 1 })
  const app = createApp(chat, { modelId: 'pocket' })
  const answer = (await chat.complete({ messages, temperature: 0, max_tokens: 24 })).text
  return { chat, app, answer, idle: () => chat.model.status().running === 0 }
}
