/** The library and the example page in Chromium. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { root } from '../support/child.ts'
import { continuation, fixture, maxDifference, type Reference } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'
import { INSTALL_ADVICE, startChromium } from './chromium.ts'
import type { HarnessRun } from './harness/harness.ts'
import { type StaticServer, serveFolders } from './static-server.ts'

const { prompt: PROMPT, text: CONTINUED } = continuation()
const gguf = pocketGguf({ endless: true })
const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
let browser: Browser | undefined
let server: StaticServer

beforeAll(async () => {
  browser = await startChromium()
  if (!browser) return
  const configFile = join(root, 'examples/browser/vite.config.ts')
  for (const [name, pageRoot] of [
    ['page', 'examples/browser'],
    ['harness', 'test/runtime/harness'],
  ] as const) {
    const output = { outDir: join(folder, name), emptyOutDir: true }
    await build({ configFile, root: join(root, pageRoot), logLevel: 'error', build: output })
  }
  server = await serveFolders({
    page: join(folder, 'page'),
    harness: join(folder, 'harness'),
    fixtures: join(root, 'test/fixtures/checkpoints'),
    gguf: dirname(gguf),
  })
}, patience(120_000))

afterAll(async () => {
  await browser?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach((context) => {
  if (!browser) context.skip(INSTALL_ADVICE)
})

/** Opens one of the pages; what the browser complains about (a breach of the page's CSP, too) fails the test. */
async function withPage(path: string, use: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) {
  const context = await browser!.newContext(options)
  try {
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.setDefaultTimeout(60_000)
    await page.goto(`${server.origin}/${path}`)
    await use(page)
    expect(complaints).toEqual([])
  } finally {
    await context.close()
  }
}

/** The text of the last entry of the conversation once the answer is complete. */
async function finishedEntry(page: Page): Promise<string> {
  await page.locator('#log[aria-busy="false"] .entry:last-child').waitFor()
  return (await page.locator('.entry').last().textContent()) ?? ''
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
})

describe('the example page with a GGUF', () => {
  it('loads and continues what its address says, as it stands', { timeout: patience(120_000) }, async () => {
    const query = new URLSearchParams({
      model: '/gguf/winds.gguf',
      prompt: PROMPT,
      max_tokens: '200',
    })
    await withPage(`page/index.html?${query}`, async (page) => {
      expect(await finishedEntry(page)).toBe(CONTINUED)
      expect(await page.locator('#raw-note').textContent()).toContain('no chat template')
      expect(await page.locator('#status').textContent()).toMatch(/^5 tokens read, 200 written at [\d.]+ tokens\/s/)
      expect(await page.locator('#error').isVisible()).toBe(false)
    })
  })

  it('takes a chosen file, stops, and answers again', { timeout: patience(120_000) }, async () => {
    await withPage('page/index.html', async (page) => {
      await page.setInputFiles('#files', gguf)
      await page.getByLabel('Text to continue').fill(PROMPT)
      await page.getByLabel('At most').fill('450')
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.locator('#status', { hasText: 'Writing' }).waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.locator('#status', { hasText: 'Stopped.' }).waitFor()
      const stopped = await finishedEntry(page)
      expect(stopped.slice(0, CONTINUED.length)).toBe(CONTINUED.slice(0, stopped.length))

      await page.getByLabel('At most').fill('50')
      await page.getByLabel('Text to continue').press('Enter')
      await page.locator('#status', { hasText: '50 written' }).waitFor()
      const again = await finishedEntry(page)
      expect(CONTINUED.startsWith(again)).toBe(true)
      expect(again.length).toBeGreaterThan(90)

      await page.getByRole('button', { name: 'New conversation' }).click()
      expect(await page.locator('.entry').count()).toBe(0)
    })
  })

  it('takes a dropped file', async () => {
    await withPage('page/index.html', async (page) => {
      await page.evaluate(async () => {
        const bytes = await (await fetch('/gguf/winds.gguf')).arrayBuffer()
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File([bytes], 'dropped.gguf'))
        document.querySelector('#drop')?.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }))
      })
      await page.locator('#chat').waitFor()
      expect(await page.locator('#model-name').textContent()).toBe('dropped.gguf')
      await page.getByRole('button', { name: 'Change model' }).click()
      expect(await page.locator('#source').isVisible()).toBe(true)
    })
  })

  it('is no wider than a telephone', async () => {
    const phone = { viewport: { width: 340, height: 700 }, colorScheme: 'dark' } as const
    const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    await withPage(
      'page/index.html',
      async (page) => {
        expect(await overflow(page)).toBeLessThanOrEqual(0)
        await page.setInputFiles('#files', gguf)
        await page.locator('#chat').waitFor()
        expect(await overflow(page)).toBeLessThanOrEqual(0)
      },
      phone,
    )
  })
})

describe('the example page', () => {
  it('chats in turns with a checkpoint that has a chat template', { timeout: patience(120_000) }, async () => {
    await withPage('page/index.html', async (page) => {
      const files = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']
      const paths = files.map((name) => join(root, 'models/pocket', name))
      await page.setInputFiles('#files', paths)
      for (const [i, question] of ['Hello!', 'Who are you?'].entries()) {
        await page.getByLabel('Your message').fill(question)
        await page.getByLabel('At most').fill('6')
        await page.getByRole('button', { name: 'Send' }).click()
        await expect.poll(() => page.locator('.entry').count()).toBe(2 * i + 2)
        expect((await finishedEntry(page)).trim()).not.toBe('')
        expect(await page.locator('.entry.user').last().textContent()).toBe(question)
      }
      expect(await page.locator('#raw-note').isVisible()).toBe(false)
    })
  })

  it('says plainly what is wrong with a file', async () => {
    await withPage('page/index.html', async (page) => {
      const buffer = Buffer.from('this is no model')
      await page.setInputFiles('#files', { name: 'letter.gguf', mimeType: 'application/octet-stream', buffer })
      const error = page.locator('#error')
      await error.waitFor()
      expect(await error.textContent()).toMatch(/letter\.gguf/)
      expect(await page.locator('#source').isVisible()).toBe(true)
      expect(await page.locator('#loading').isVisible()).toBe(false)
    })
  })

  it('cancels a download', async () => {
    await withPage('page/index.html', async (page) => {
      await page.route('**/never.gguf', () => undefined)
      await page.getByLabel('or its address').fill('/never.gguf')
      await page.getByRole('button', { name: 'Load' }).click()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.locator('#source').waitFor()
      expect(await page.locator('#error').isVisible()).toBe(false)
    })
  })

  it('says what to do where WebGPU is missing, or has no adapter', async () => {
    const notice = async (page: Page, script: string) => {
      await page.addInitScript(script)
      await page.reload()
      await page.locator('#no-webgpu').waitFor()
      expect(await page.locator('#source').isVisible()).toBe(false)
      return page.locator('#no-webgpu').textContent()
    }
    await withPage('page/index.html', async (page) => {
      expect(await notice(page, 'GPU.prototype.requestAdapter = async () => null')).toContain('graphics acceleration')
      const gone = "Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined })"
      expect(await notice(page, gone)).toMatch(/no WebGPU\. Use Chrome/)
    })
  })
})
