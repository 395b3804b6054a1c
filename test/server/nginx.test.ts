/** What nginx with the example's configuration makes of replicas' answers; the replicas are stand-ins. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { platform } from '../../src/platform/node.ts'
import type { HttpServer } from '../../src/platform/types.ts'
import { createApp, type MistralApp } from '../../src/server/index.ts'
import { patience } from '../support/patience.ts'
import { fakeChat, greeting, post, question } from './fake-chat.ts'
import { hasNginx, type Nginx, startNginx } from './nginx.ts'

const CHAT = '/v1/chat/completions'

if (!hasNginx) console.log('skipped: needs nginx (apt-get install nginx-light)')

describe.skipIf(!hasNginx)('nginx in front of two replicas', { timeout: patience(60_000) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  const asked = [0, 0]
  const full = [false, false]
  let servers: HttpServer[] = []
  let nginx: Nginx | undefined

  /** A replica that answers with its number, or has no room. */
  function replica(index: number): MistralApp {
    return createApp(fakeChat(greeting), {
      modelId: `replica ${index}`,
      allowedHosts: ['127.0.0.1'],
      refuse: ({ url }) => {
        if (!url.endsWith(CHAT)) return undefined
        asked[index]!++
        return full[index] ? { status: 429, message: 'the queue is full', code: 'queue_full' } : undefined
      },
    })
  }

  beforeAll(async () => {
    const apps = [replica(0), replica(1)]
    servers = await Promise.all(
      apps.map((app) => platform.serveHttp((request) => app.fetch(request), { host: '127.0.0.1', port: 0 })),
    )
    nginx = await startNginx(
      folder,
      servers.map(({ port }) => port),
    )
  }, patience(60_000))
  afterAll(async () => {
    nginx?.child.kill('SIGTERM')
    await Promise.all(servers.map((server) => server.close(0)))
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    asked.fill(0)
    full.fill(false)
  })

  /** The number of the replica that answered a conversation. */
  async function ask(conversation: string): Promise<{ status: number; by: number }> {
    const through = {
      fetch: (url: string, init: RequestInit) => fetch(new URL(new URL(url).pathname, nginx!.url), init),
    }
    const headers = { 'x-conversation-id': conversation }
    const response = await post(through as unknown as MistralApp, CHAT, question, { headers })
    const { model = '' } = (await response.json()) as { model?: string }
    return { status: response.status, by: Number(model.slice('replica '.length)) }
  }

  it('a request that finds a full queue is answered by the other, and the first keeps its conversations', async () => {
    const { by: home } = await ask('mine')
    full[home] = true
    for (let i = 0; i < 3; i++) expect(await ask('mine')).toEqual({ status: 200, by: 1 - home })
    // Each of them was tried at home first: it was not taken out for being busy.
    expect(asked[home]).toBe(4)
    full[home] = false
    expect(await ask('mine')).toEqual({ status: 200, by: home })
  })

  it('two full queues are a 429, and nothing more once there is room again', async () => {
    full.fill(true)
    expect((await ask('mine')).status).toBe(429)
    expect(asked).toEqual([1, 1])
    full.fill(false)
    expect((await ask('mine')).status).toBe(200)
  })

  it('keeps its temporary files where it was started', () => {
    expect(existsSync(join(folder, 'mistral-webgpu-nginx-body'))).toBe(true)
  })
})
