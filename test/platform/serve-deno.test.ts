/** The same server in Deno, in a process of its own. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root, runChild } from '../support/child.ts'
import { patience } from '../support/patience.ts'

const deno = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno')

describe.skipIf(!existsSync(deno))('a server in Deno', () => {
  it('answers, streams, refuses a taken port, notices who leaves, drains and cuts', {
    timeout: patience(60_000),
  }, async () => {
    const file = join(root, 'test', 'platform', `serve-child-${process.pid}.ts`)
    writeFileSync(
      file,
      `import { platform } from '#platform'
      const host = '127.0.0.1'
      const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
      let cancelled = 0
      const body = (pieces: number) => new ReadableStream({
        async pull(controller) {
          await wait(20)
          controller.enqueue(new TextEncoder().encode('x'))
          if (--pieces === 0) controller.close()
        },
        cancel() { cancelled++ },
      })
      const handler = async (request: Request) => {
        const path = new URL(request.url).pathname
        return new Response(path === '/' ? await request.text() : body(Number(path.slice(1))))
      }
      const server = await platform.serveHttp(handler, { host, port: 0 })
      const found: unknown[] = []
      found.push(await (await fetch(server.url, { method: 'POST', body: 'hello' })).text())
      found.push(await (await fetch(server.url + '/5')).text())
      found.push(await platform.serveHttp(handler, { host, port: server.port }).then(() => 'took', (e) => e.name + ': ' + e.message))
      const left = await fetch(server.url + '/100000')
      await left.body!.cancel()
      while (cancelled === 0) await wait(20)
      found.push(cancelled)
      const last = await fetch(server.url + '/10')
      const closed = server.close(5000)
      found.push(await last.text(), await closed)
      const second = await platform.serveHttp(handler, { host, port: 0 })
      const long = await fetch(second.url + '/100000')
      found.push(await second.close(100), await long.text().then(() => 'whole', () => 'cut'))
      const small = await platform.serveHttp(handler, { host, port: 0, maxConnections: 1 })
      const first = await fetch(small.url + '/100000')
      const second503 = await fetch(small.url)
      found.push(second503.status, second503.headers.get('retry-after'), await second503.json())
      await first.body!.cancel()
      await small.close(100)
      console.log(JSON.stringify(found))`,
    )
    try {
      const result = await runChild(deno, ['run', '--no-check', '--conditions=mistral-webgpu-source', '-A', file])
      expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
      expect(JSON.parse(result.stdout.trim().split('\n').at(-1)!)).toEqual([
        'hello',
        'xxxxx',
        expect.stringMatching(/^ListenError: cannot listen on 127\.0\.0\.1, port \d+: another program listens there/),
        1,
        'xxxxxxxxxx',
        0,
        1,
        'cut',
        503,
        '1',
        { error: { message: 'too many requests at once', type: 'server_error', param: null, code: 'overloaded' } },
      ])
    } finally {
      rmSync(file)
    }
  })
})
