/** Downloads into the private file system of a page in Chromium, from a Hub that misbehaves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { root } from '../support/child.ts'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { FAULTS } from '../support/hub-faults.ts'
import { type HubServer, startHub } from '../support/hub-server.ts'
import { patience } from '../support/patience.ts'
import { buildPage } from './build-page.ts'
import { type StaticServer, serveFolders } from './static-server.ts'
import { useChromium } from './use-chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
const total = [...pocketFiles().values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
let context: BrowserContext
let server: StaticServer
let hub: HubServer

const browser = useChromium(async () => {
  const input = ['index.html', 'without-worker.html'].map((name) => join(root, 'test/runtime/hub-harness', name))
  await buildPage('test/runtime/hub-harness', join(folder, 'page'), 'browser', {
    build: { rolldownOptions: { input } },
  })
  server = await serveFolders({ page: join(folder, 'page'), fixtures: join(root, 'test/fixtures/checkpoints') })
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  context = await browser()!.newContext()
  hub = await startHub()
  hub.publish(REPOSITORY, pocketFiles())
})

afterEach(async () => {
  await context?.close()
  await hub?.close()
})

async function open(name = 'index.html'): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(patience(60_000))
  await page.goto(`${server.origin}/page/${name}`)
  await page.waitForFunction(() => window.downloads !== undefined)
  return page
}

const pull = (page: Page, abortAt?: number) =>
  page.evaluate(({ name, endpoint, abortAt }) => window.downloads.pull(name, { endpoint }, abortAt), {
    name: REPOSITORY,
    endpoint: hub.endpoint,
    abortAt,
  })
const verdicts = (page: Page) => page.evaluate(() => window.downloads.verdicts())
const RIGHT = [...pocketFiles().keys()].map((name) => `${name} right`).sort()

describe('downloads in a page', { timeout: patience(120_000) }, () => {
  it('is filled by a shared worker, too, and read by it without a network', {
    timeout: patience(120_000),
  }, async () => {
    const page = await open()
    const ask = () =>
      page.evaluate(({ name, endpoint }) => window.downloads.sharedAnswer(name, { endpoint }), {
        name: REPOSITORY,
        endpoint: hub.endpoint,
      })
    const text = await ask()
    expect(text).toMatch(/^The mistral is/)
    expect(await verdicts(page)).toEqual(RIGHT)
    const reads = hub.requests.length
    expect(await ask()).toBe(text)
    expect(hub.requests.slice(reads).filter(({ path }) => path.endsWith('.safetensors'))).toEqual([])
  })

  it('come through a worker, are kept, and load without another byte', async () => {
    const page = await open()
    const workers: string[] = []
    page.on('worker', (worker) => workers.push(worker.url()))
    const { error, phases } = await pull(page)
    expect(error).toBe('')
    expect(phases).toEqual(['open', 'download', 'ready'])
    expect(workers.length).toBe(1)
    expect(workers[0]).toMatch(/^http:\/\/127\.0\.0\.1/)
    expect(hub.served).toBeLessThan(total * 1.05)
    expect(await verdicts(page)).toEqual(RIGHT)
    const before = hub.served
    const ids = await page.evaluate(({ name, endpoint }) => window.downloads.answer(name, { endpoint }), {
      name: REPOSITORY,
      endpoint: hub.endpoint,
    })
    expect(ids.length).toBe(4)
    expect(hub.served).toBe(before)
    const [model] = await page.evaluate(() => window.downloads.list())
    expect(model).toMatchObject({ repository: REPOSITORY, revisions: ['main'], bytes: total })
    expect(await page.evaluate((name) => window.downloads.remove(name), REPOSITORY)).toBeGreaterThanOrEqual(total)
    expect(await page.evaluate(() => window.downloads.list())).toEqual([])
  })

  it('of plain addresses are kept where that is wanted', async () => {
    const page = await open()
    const answer = () => page.evaluate(() => window.downloads.answer('/fixtures/gguf-q8_0/model.gguf', {}, true))
    const first = await answer()
    server.requests.splice(0)
    expect(await answer()).toEqual(first)
    const asked = server.requests.filter(({ path }) => path.endsWith('.gguf')).map(({ range }) => range)
    expect(asked).toEqual(['bytes=0-65535'])
    const [kept] = await page.evaluate(() => window.downloads.list())
    expect(kept).toMatchObject({ files: [{ name: 'model.gguf' }] })
  })

  it('do without a worker where the policy of the page forbids it', async () => {
    const page = await open('without-worker.html')
    expect((await pull(page)).error).toBe('')
    expect(await verdicts(page)).toEqual(RIGHT)
  })

  it.each(FAULTS.map((fault, i) => [fault, i + 7] as const))(
    '%s: right or refused, and nothing wrong is kept',
    async (fault, seed) => {
      const page = await open()
      hub.misbehave(fault, seed, 1 + (seed % 4))
      const { error, isTyped } = await pull(page)
      expect([error, isTyped]).toEqual([error, true])
      if (['none', 'cut', '503', '429', 'throttle', 'signed-expires'].includes(fault)) {
        expect(error).toBe('')
        expect(hub.served).toBeLessThan(total * 1.05)
      }
      for (const verdict of await verdicts(page)) expect(verdict).toMatch(/ right$/)
      hub.misbehave('none', 1)
      expect((await pull(page)).error).toBe('')
      expect(await verdicts(page)).toEqual(RIGHT)
    },
  )

  it('go on where an abort, or a closed tab, has left them', async () => {
    await hub.close()
    hub = await startHub({ slowMs: 10 })
    hub.publish(REPOSITORY, pocketFiles())
    const first = await open()
    expect((await pull(first, 0.3)).error).toContain('AbortError')
    const running = pull(first).catch(() => undefined)
    await expect.poll(() => hub.served).toBeGreaterThan(total * 0.6)
    await first.close()
    await running
    const second = await open()
    const before = hub.served
    expect((await pull(second)).error).toBe('')
    expect(hub.served - before).toBeLessThan(total * 0.8)
    expect(await verdicts(second)).toEqual(RIGHT)
  })

  it('are shared by two tabs', async () => {
    await hub.close()
    hub = await startHub({ slowMs: 5 })
    hub.publish(REPOSITORY, pocketFiles())
    const pages = await Promise.all([open(), open()])
    const results = await Promise.all(pages.map((page) => pull(page)))
    expect(results.map(({ error }) => error)).toEqual(['', ''])
    // Both read the header of what is not there yet.
    expect(hub.served).toBeLessThan(total * 1.1)
  })

  it('say how much is missing where the quota is too small', async () => {
    const page = await open()
    const session = await context.newCDPSession(page)
    await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 3_000_000 })
    const { error, missingBytes } = await pull(page)
    expect(error).toMatch(/StorageError.*needs \d+ more bytes/)
    expect(missingBytes).toBeGreaterThan(3e6)
    await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin })
    expect((await pull(page)).error).toBe('')
  })
})
