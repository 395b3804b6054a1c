/** The library in Chromium. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { root } from '../support/child.ts'
import { fixture, maxDifference, type Reference } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { buildPage } from './build-page.ts'
import type { HarnessRun } from './harness/harness.ts'
import { type StaticServer, serveFolders } from './static-server.ts'
import { useChromium } from './use-chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
let server: StaticServer

const browser = useChromium(async () => {
  await buildPage('test/runtime/harness', join(folder, 'harness'))
  server = await serveFolders({
    harness: join(folder, 'harness'),
    fixtures: join(root, 'test/fixtures/checkpoints'),
  })
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Opens one of the pages; what the browser complains about (a breach of the page's CSP, too) fails the test. */
async function withPage(
  path: string,
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
  before = () => {},
) {
  const context = await browser()!.newContext(options)
  try {
    const page = await context.newPage()
    await page.addInitScript(before)
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.setDefaultTimeout(patience(60_000))
    await page.goto(`${server.origin}/${path}`)
    await use(page)
    expect(complaints).toEqual([])
  } finally {
    await context.close()
  }
}

describe('the library in Chromium', () => {
  const run = (page: Page, url: string | undefined, { prompt, greedy }: Reference) =>
    page.evaluate(({ url, prompt, count }) => window.runModel(url, prompt, count, { kvCache: 'f32' }), {
      url,
      prompt: [...prompt],
      count: greedy.length,
    })

  const expectReference = (found: HarnessRun, name: string) => {
    const { reference } = fixture(name)
    expect(maxDifference(found.logits.flat(), reference.logits)).toBeLessThan(1e-3)
    expect(found.greedy).toEqual(reference.greedy)
    expect(found.phases).toEqual(['open', 'weights', 'compile', 'ready'])
  }

  it('computes a GGUF from a File as transformers does', async () => {
    await withPage('harness/index.html', async (page) => {
      const { path, reference } = fixture('gguf-q8_0')
      await page.setInputFiles('input', join(path, 'model.gguf'))
      expectReference(await run(page, undefined, reference), 'gguf-q8_0')
    })
  })

  it('computes a GGUF from an address, read by ranges', async () => {
    await withPage('harness/index.html', async (page) => {
      const { reference } = fixture('gguf-q8_0')
      expectReference(await run(page, '/fixtures/gguf-q8_0/model.gguf', reference), 'gguf-q8_0')
      const reads = server.requests.filter(({ path }) => path === '/fixtures/gguf-q8_0/model.gguf')
      expect(reads.length).toBeGreaterThan(0)
      for (const { status, range } of reads) expect([status, range]).toEqual([206, expect.stringMatching(/^bytes=/)])
    })
  })

  it('computes shards of safetensors from Files', async () => {
    await withPage('harness/index.html', async (page) => {
      const { path, reference } = fixture('sharded-bf16')
      const files = readdirSync(path).filter((name) => name !== 'reference.json')
      expect(files.length).toBe(5)
      const paths = files.map((name) => join(path, name))
      await page.setInputFiles('input', paths)
      expectReference(await run(page, undefined, reference), 'sharded-bf16')
    })
  })

  it.each(['Firefox', 'Chrome'])('submits nothing for the sake of results but in Firefox: %s', async (name) => {
    const userAgent = name === 'Firefox' ? 'Mozilla/5.0 (X11; rv:160.0) Gecko/20100101 Firefox/160.0' : undefined
    const use = async (page: Page) => {
      const { reference } = fixture('gguf-q8_0')
      expectReference(await run(page, '/fixtures/gguf-q8_0/model.gguf', reference), 'gguf-q8_0')
      const { byTimer, bySubmit, looks } = await page.evaluate(() => window.slow)
      expect(byTimer + bySubmit).toBeGreaterThan(reference.greedy.length / 8)
      if (name === 'Chrome') expect(looks).toBe(0)
      else {
        expect(looks).toBeGreaterThan(0)
        // The measurement itself waits for the timer, and now and then it comes first.
        expect(bySubmit).toBeGreaterThan(2 * byTimer)
      }
    }
    await withPage('harness/index.html', use, { ...(userAgent && { userAgent }) }, tellLate)
  })
})

interface Slow {
  /** Results that were told by the timer, and because something was submitted; submits that had no other purpose. */
  byTimer: number
  bySubmit: number
  looks: number
}

declare global {
  interface Window {
    slow: Slow
  }
}

/**
 * Makes this browser tell results as Firefox does: by a timer, or when something is submitted. Its timer fires every 100 ms;
 * where something is submitted for that, it is so slow here that a busy machine, which submits late, is still before it.
 */
function tellLate(): void {
  const slow: Slow = { byTimer: 0, bySubmit: 0, looks: 0 }
  window.slow = slow
  const there: (() => void)[] = []
  const tell = (cause: 'byTimer' | 'bySubmit') => {
    slow[cause] += there.length
    for (const one of there.splice(0)) one()
  }
  // Not an interval: after a pause of the whole page that would fire twice in a row.
  const pause = navigator.userAgent.includes('Firefox') ? 5000 : 100
  const tick = () => {
    tell('byTimer')
    setTimeout(tick, pause)
  }
  setTimeout(tick, pause)
  const late = (prototype: object, method: string) => {
    const original = Reflect.get(prototype, method)
    Reflect.set(prototype, method, async function (this: unknown, ...args: unknown[]) {
      await original.apply(this, args)
      await new Promise<void>((resolve) => there.push(resolve))
    })
  }
  late(GPUBuffer.prototype, 'mapAsync')
  late(GPUQueue.prototype, 'onSubmittedWorkDone')
  const { submit } = GPUQueue.prototype
  GPUQueue.prototype.submit = function (commands) {
    submit.call(this, commands)
    tell('bySubmit')
  }
  const { createCommandEncoder } = GPUDevice.prototype
  GPUDevice.prototype.createCommandEncoder = function (descriptor) {
    if (descriptor?.label === 'look for results') slow.looks++
    return createCommandEncoder.call(this, descriptor)
  }
}
