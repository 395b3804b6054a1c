/** A model behind `LanguageModel` whose answers are written down. */
import { expect } from 'vitest'
import { provideModel } from '../../src/prompt-api/index.ts'
import { type FakeChat, fakeChat, type Json, type Step } from '../server/fake-chat.ts'

/** Makes sessions speak with a model whose answers are written down. */
export function provide(script: Parameters<typeof fakeChat>[0]): FakeChat {
  const chat = fakeChat(script)
  provideModel(chat)
  return chat
}

/** Answers with what was asked. */
export const echo = (request: Record<string, unknown>): Step[] => [
  { text: `<${(request.messages as Json[]).at(-1).content}>` },
  { finish_reason: 'stop' },
]

/** Matches an error of this name. */
export const named = (name: string) => expect.objectContaining({ name })

/** The messages of a request, the last one by default. */
export const conversation = (chat: FakeChat, i = -1) =>
  (chat.requests.at(i) as Json).messages.map(({ role, content }: Json) => `${role}: ${content}`)
