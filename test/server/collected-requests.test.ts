/** A client's abort reaches the answer also when nobody holds the client's `Request` any more, which Node then forgets with its signal. */
import { expect, test } from 'vitest'
import type { MistralApp } from '../../src/server/index.ts'
import { collect } from '../support/garbage.ts'
import { appOf, type Json, question } from './fake-chat.ts'
import { until } from './pocket.ts'

const BODIES: Readonly<Record<string, Json>> = {
  '/v1/chat/completions': question,
  '/v1/completions': { model: 'fake', prompt: 'a' },
  '/v1/responses': { model: 'fake', input: 'a' },
  '/v1/messages': { ...question, max_tokens: 4 },
  '/api/chat': question,
  '/predict': { prompt: 'a' },
}

/** What a client does that keeps nothing but its signal. */
function ask(app: MistralApp, path: string, body: Json, signal: AbortSignal): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const request = new Request(`http://localhost${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal,
  })
  // A program may pass options beside its request, of which a copy is made then.
  const options = path === '/v1/messages' ? { headers } : undefined
  return Promise.resolve(app.fetch(request, options as RequestInit)).then((response) => response.text())
}

test.each(Object.keys(BODIES).flatMap((path) => [[path, false] as const, [path, true] as const]))(
  '%s, stream: %s',
  async (path, stream) => {
    const { app, chat } = appOf([{ text: 'a' }, { wait: 3_600_000 }, { finish_reason: 'stop' }])
    const client = new AbortController()
    const answer = ask(app, path, { ...BODIES[path], stream }, client.signal).then(
      (text) => text,
      () => 'failed',
    )
    await until(() => chat.taken === 1)
    await collect()
    expect(chat.running).toBe(1)
    client.abort()
    await until(() => chat.running === 0)
    await answer
  },
)
