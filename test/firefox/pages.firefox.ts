/** Pages in Firefox: the demo, the service worker that answers OpenAI's client, and downloads into the browser's own file system. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPage, buildServiceWorker } from '../runtime/build-page.ts'
import { type StaticServer, serveFolders } from '../runtime/static-server.ts'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { startHub } from '../support/hub-server.ts'
import { type FoxPage, useFirefox } from './use-firefox.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-firefox-'))
const withFirefox = useFirefox()
let server: StaticServer

/** The page at a root is served as the name of its folder, by the settings of the demo or of an example. */
beforeAll(async () => {
  await buildPage('examples/browser', join(folder, 'demo'))
  await buildPage('test/runtime/hub-harness', join(folder, 'hub'))
  await buildServiceWorker(join(folder, 'worker'))
  const names = ['demo', 'hub', 'worker']
  server = await serveFolders(Object.fromEntries(names.map((name) => [name, join(folder, name)])))
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Until the text of an element is as wanted. */
const shows = (page: FoxPage, selector: string, pattern: string) =>
  page.waitForFunction(
    (selector, pattern) => new RegExp(pattern).test(document.querySelector(selector)?.textContent ?? ''),
    {},
    selector,
    pattern,
  )

it('the demo answers, is stopped, and has its history after a reload', async () => {
  await withFirefox(async ({ open }) => {
    const page = await open(`${server.origin}/demo/index.html`)
    await page.waitForFunction(() => document.querySelector('#prompt') !== null)
    await page.type('#prompt', 'What is the mistral?')
    await page.keyboard.press('Enter')
    await shows(page, '.entry.assistant:last-child .outcome', 'tokens/s')
    await shows(page, '.entry.assistant .markdown', 'wind')
    await page.reload()
    await shows(page, '.entry.assistant .markdown', 'wind')
  })
})

const GREEDY = {
  model: 'any',
  messages: [{ role: 'user', content: 'What is a mistral?' }],
  temperature: 0,
} satisfies OpenAI.ChatCompletionCreateParams
const ANSWER = /^The mistral is a strong, cold and dry wind/

it("a service worker answers OpenAI's client", async () => {
  await withFirefox(async ({ open }) => {
    const first = await open(`${server.origin}/worker/index.html`)
    await shows(first, '#status', '^ready$')
    const plain = await open(`${server.origin}/worker/plain/index.html`)
    await plain.waitForFunction(() => window.plain !== undefined && navigator.serviceWorker.controller !== null)
    expect(await plain.evaluate((body) => window.plain.whole(body), GREEDY)).toMatch(ANSWER)
    const streamed = await plain.evaluate((body) => window.plain.streamed(body), GREEDY)
    expect(streamed.join('')).toMatch(ANSWER)
    expect(streamed.length).toBeGreaterThan(10)
    const endless = { ...GREEDY, max_tokens: 900, ignore_eos: true }
    for (const read of ['streamed', 'whole'] as const) {
      await plain.evaluate((read, body) => void window.plain[read](body).catch(() => {}), ...([read, endless] as const))
      if (read === 'streamed') await plain.waitForFunction(() => window.plain.count() > 2)
      await plain.evaluate(() => window.plain.abort())
      await shows(first, '#requests tr td:nth-child(2)', 'stopped')
    }
  })
})

it('downloads are kept, gone on with, verified and removed', async () => {
  const hub = await startHub()
  hub.publish(REPOSITORY, pocketFiles())
  const { endpoint } = hub
  try {
    await withFirefox(async ({ open }) => {
      const page = await open(`${server.origin}/hub/index.html`)
      await page.waitForFunction(() => window.downloads !== undefined)
      const pull = (share?: number) =>
        page.evaluate(
          (name, endpoint, share) => window.downloads.pull(name, { endpoint }, share),
          ...([REPOSITORY, endpoint, share] as const),
        )
      expect((await pull(0.5)).error).toMatch(/AbortError/)
      expect((await pull()).error).toBe('')
      const total = [...pocketFiles().values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
      expect(hub.served).toBeLessThan(total * 1.6)
      const right = [...pocketFiles().keys()].map((name) => `${name} right`).sort()
      expect(await page.evaluate(() => window.downloads.verdicts())).toEqual(right)
      const before = hub.served
      const ask = () =>
        page.evaluate((name, endpoint) => window.downloads.sharedAnswer(name, { endpoint }), REPOSITORY, endpoint)
      expect(await ask()).toMatch(/^The mistral is/)
      expect(hub.served).toBe(before)
      expect(await page.evaluate((name) => window.downloads.remove(name), REPOSITORY)).toBeGreaterThanOrEqual(total)
      expect(await page.evaluate(() => window.downloads.list())).toEqual([])
    })
  } finally {
    await hub.close()
  }
})
