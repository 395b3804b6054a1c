/** The demo page as it is built: its models, what it keeps, its other tabs, and what goes wrong. */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { continuation } from '../support/fixtures.ts'
import { startHub } from '../support/hub-server.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'
import { randomGguf, SUPER_BLOCK_CONFIG } from '../support/random-gguf.ts'
import { answered, answers, ask, ENDLESS, GREEDY, LONG, useDemo } from './demo-page.ts'

const { prompt: PROMPT, text: CONTINUED } = continuation()
const gguf = pocketGguf({ endless: true })
const visit = useDemo({ gguf: dirname(gguf), never: null })

describe('the demo page', () => {
  it('says of a known model whether it fits, from its header', LONG, async () => {
    const hub = await startHub({ redirects: false })
    const { file } = randomGguf({ ...SUPER_BLOCK_CONFIG, vocabSize: 18_000 }, () => 'f32')
    hub.publish('mistralai/Ministral-3-3B-Instruct-2512-GGUF', new Map([['Ministral-Q4_K_M.gguf', file]]))
    try {
      await visit(
        async (page) => {
          await page.route('https://huggingface.co/**', async (route) => {
            const { pathname, search } = new URL(route.request().url())
            await route.fulfill({ response: await route.fetch({ url: `${hub.endpoint}${pathname}${search}` }) })
          })
          await page.locator('#change-model').click()
          const card = page.locator('.known .way', { hasText: 'Ministral 3 3B' })
          await card.getByRole('button', { name: /^Does it fit\? / }).click()
          const verdict = card.getByRole('status')
          await verdict.getByText(/^(?!Reading)./).waitFor()
          expect(await verdict.textContent()).toMatch(
            /^Fits this GPU, if \d+ MB of its memory are free: weights \d+ MB, .* tokens of context\.$/,
          )
          expect(hub.served).toBeLessThan(2 ** 20)
        },
        { serviceWorkers: 'block' },
      )
    } finally {
      await hub.close()
    }
  })

  it('takes a dropped GGUF in place of the embedded model', LONG, async () => {
    await visit(
      async (page) => {
        await page.locator('#model-name').waitFor()
        await page.evaluate(async () => {
          const bytes = await (await fetch('/gguf/winds.gguf')).arrayBuffer()
          const dataTransfer = new DataTransfer()
          dataTransfer.items.add(new File([bytes], 'dropped.gguf'))
          document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }))
        })
        await page.locator('#model-name', { hasText: 'dropped.gguf' }).waitFor()
        await page.getByLabel('Text to continue').fill(PROMPT)
        await page.getByRole('button', { name: 'Continue' }).click()
        const text = await answered(page)
        expect(CONTINUED.replace(/\s+/g, ' ')).toContain(text.replace(/\s+/g, ' ').slice(0, 60))
      },
      { settings: { ...ENDLESS, max_tokens: 40 } },
    )
  })

  it('keeps conversations over a reload, and hands them out and takes them in', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        const text = await answered(page)
        // The browser keeps it a moment after it is shown.
        await expect.poll(() => kept(page)).toContain(text)
        await page.reload()
        await page.locator('#model-name').waitFor()
        expect(await answered(page)).toBe(text)
        const download = page.waitForEvent('download')
        await page.getByRole('button', { name: 'Export' }).click()
        const path = join(tmpdir(), `mistral-webgpu-${process.pid}.json`)
        await (await download).saveAs(path)
        await page.getByRole('button', { name: 'New conversation' }).click()
        await expect.poll(() => answers(page).count()).toBe(0)
        await page.setInputFiles('#import', path)
        expect(await answered(page)).toBe(text)
        await expect.poll(() => page.locator('.history li').count()).toBe(2)
        await page.getByLabel('Delete What is the mistral?').first().click()
        await expect.poll(() => page.locator('.history li').count()).toBe(1)
        rmSync(path)
      },
      { settings: GREEDY },
    )
  })

  it('shares the model with another tab, whose answer does not notice that this one closes', LONG, async () => {
    const asked = async (page: Page, text: string) => {
      await ask(page, text)
      return answered(page)
    }
    await visit(
      async (first) => {
        await first.locator('#model-name').waitFor()
        const wanted = await asked(first, 'What is the mistral?')
        const second = await first.context().newPage()
        await second.goto(first.url())
        await second.locator('#model-name').waitFor()
        for (const page of [first, second]) await page.getByText('shared by 2 tabs').waitFor()
        // It opened the conversation of the other tab.
        await second.getByRole('button', { name: 'New conversation' }).click()
        await ask(second, 'What is the mistral?')
        await second.locator('.live .markdown:not(:empty)').waitFor()
        await first.close()
        expect(await answered(second)).toBe(wanted)
        await second.getByText('shared by').waitFor({ state: 'detached' })
      },
      { settings: { ...ENDLESS, max_tokens: 200 } },
    )
  })

  it('works without a network once it was open', LONG, async () => {
    await visit(
      async (page) => {
        await page.locator('#model-name').waitFor()
        await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
        await page.context().setOffline(true)
        await page.reload()
        await ask(page, 'What is the mistral?')
        expect(await answered(page)).not.toBe('')
      },
      { settings: GREEDY },
    )
  })
})

describe('trouble', () => {
  it('says plainly what is wrong with a file', LONG, async () => {
    await visit(async (page) => {
      await page.locator('#change-model').click()
      const buffer = Buffer.from('this is no model')
      await page.setInputFiles('#files', { name: 'letter.gguf', mimeType: 'application/octet-stream', buffer })
      await page.locator('#error').waitFor()
      expect(await page.locator('#error').textContent()).toMatch(/letter\.gguf/)
    })
  })

  it('cancels a download', LONG, async () => {
    await visit(async (page) => {
      await page.locator('#change-model').click()
      await page.getByLabel('A name or an address').fill('/never/model.gguf')
      await page.getByRole('button', { name: 'Load', exact: true }).click()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByText('Choose a model').waitFor()
      expect(await page.locator('#error').count()).toBe(0)
    })
  })

  it('says what to do where WebGPU is missing, or has no adapter', LONG, async () => {
    const notice = async (page: Page, script: string) => {
      await page.addInitScript(script)
      await page.reload()
      await page.locator('#no-webgpu').waitFor()
      return page.locator('#no-webgpu').textContent()
    }
    await visit(async (page) => {
      expect(await notice(page, 'GPU.prototype.requestAdapter = async () => null')).toContain('graphics acceleration')
      const gone = "Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined })"
      expect(await notice(page, gone)).toMatch(/no WebGPU\..*Use Chrome/)
    })
  })
})

/** The conversations in the browser's storage, as text. */
async function kept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const ended = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await ended(indexedDB.open('mistral-webgpu'))
    const all = await ended(database.transaction('conversations').objectStore('conversations').getAll())
    database.close()
    return all.flatMap(({ entries }) => Object.values(entries).map((entry) => (entry as { text: string }).text)).join()
  })
}
