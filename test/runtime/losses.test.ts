/** The GPU of a page, or of its worker, goes away in the middle of an answer. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page, Worker } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/index.ts'
import { patience } from '../support/patience.ts'
import type { StaticServer } from './static-server.ts'
import { serveTabs } from './tabs-harness/build.ts'
import { useChromium } from './use-chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-losses-'))
const GREEDY: ChatRequest = {
  messages: [{ role: 'user', content: 'Tell me about winds.' }],
  ...{ temperature: 0, max_tokens: 72, ignore_eos: true },
}
const DRAWN: ChatRequest = { ...GREEDY, temperature: 1.3, top_p: 1, seed: 12 }
let server: StaticServer

const browser = useChromium(async () => {
  server = await serveTabs(folder)
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(): Promise<Page> {
  const page = await browser()!.newPage()
  page.setDefaultTimeout(patience(120_000))
  await page.goto(`${server.origin}/page/index.html`)
  await page.waitForFunction(() => window.tab !== undefined)
  return page
}

/** In the middle of an answer: each batch has at most 16 of its tokens. */
const BATCHES = 3

/** The device is lost with one of the next batches, or so many milliseconds later. */
function loseDevice(where: Page | Worker, delayMs: number | undefined): Promise<void> {
  return (where as Page).evaluate(
    ([left, delay]) => {
      Object.assign(globalThis, { lost: false })
      const devices = GPUDevice.prototype
      const { createCommandEncoder } = devices
      devices.createCommandEncoder = function (...args) {
        if (--left > 0) return createCommandEncoder.apply(this, args)
        devices.createCommandEncoder = createCommandEncoder
        const lose = () => {
          this.destroy()
          Object.assign(globalThis, { lost: true })
        }
        if (delay === undefined) lose()
        else setTimeout(lose, delay)
        return createCommandEncoder.apply(this, args)
      }
    },
    [BATCHES, delayMs] as [number, number | undefined],
  )
}

const wasLost = (where: Page | Worker) => (where as Page).evaluate(() => (globalThis as { lost?: boolean }).lost)
const ask = (page: Page, request: ChatRequest) => page.evaluate((asked) => window.tab.ask(asked), request)
const text = (page: Page) => page.evaluate(async () => (await window.tab.answer()).text)

describe('a device that is lost while an answer runs', { timeout: patience(300_000) }, () => {
  it.each(['page', 'worker', 'shared'] as const)('does not change the text: %s', async (where) => {
    const page = await open()
    try {
      // A leader's worker belongs to its page; a shared worker's loss is among the tests of tabs.
      const options = where === 'shared' ? ({ shared: true, host: 'leader' } as const) : { shared: false }
      await page.evaluate(([options, where]) => window.tab.load(options, where), [
        options,
        where === 'page' ? 'page' : 'worker',
      ] as const)
      const engine = where === 'page' ? page : page.workers()[0]!
      for (const [request, delayMs] of [
        [GREEDY, undefined],
        [DRAWN, 2],
      ] as const) {
        await ask(page, request)
        const undisturbed = await text(page)
        await loseDevice(engine, delayMs)
        await ask(page, request)
        expect(await text(page)).toBe(undisturbed)
        expect(await wasLost(engine)).toBe(true)
      }
    } finally {
      await page.close()
    }
  })
})
