/** The demo page as it is built: its models, and what goes wrong. */
import { dirname } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { continuation } from '../support/fixtures.ts'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { startHub } from '../support/hub-server.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'
import { randomGguf, SUPER_BLOCK_CONFIG } from '../support/random-gguf.ts'
import { answered, answers, ask, ENDLESS, GREEDY, LONG, shownAnswer, useDemo } from './demo-page.ts'

const { prompt: PROMPT, text: CONTINUED } = continuation()
const gguf = pocketGguf({ endless: true })
const visit = useDemo({ gguf: dirname(gguf), never: null })

describe('the demo page', () => {
  it('says of a known model whether it fits, and keeps one of the Hub until it is deleted', LONG, async () => {
    const hub = await startHub({ redirects: false })
    const { file } = randomGguf({ ...SUPER_BLOCK_CONFIG, vocabSize: 18_000 }, () => 'f32')
    hub.publish('mistralai/Ministral-3-3B-Instruct-2512-GGUF', new Map([['Ministral-Q4_K_M.gguf', file]]))
    hub.publish(REPOSITORY, pocketFiles())
    const prepare = async (page: Page) => {
      // What a shared worker asks for, the test does not see.
      await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'))
      await page.route('https://huggingface.co/**', async (route) => {
        const { pathname, search } = new URL(route.request().url())
        await route.fulfill({ response: await route.fetch({ url: `${hub.endpoint}${pathname}${search}` }) })
      })
    }
    try {
      await visit(
        async (page) => {
          await page.locator('#model-name', { hasText: REPOSITORY }).waitFor()
          const { served } = hub
          await page.reload()
          await page.locator('#model-name', { hasText: REPOSITORY }).waitFor()
          await ask(page, 'What is the mistral?')
          expect(await answered(page)).toMatch(/wind/)
          expect(hub.served).toBe(served)
          await page.locator('#change-model').click()
          expect(await page.evaluate(bytesKept)).toBeGreaterThan(5e6)
          const kept = page.locator('.cached', { hasText: REPOSITORY })
          expect(await kept.textContent()).toMatch(/\d MB, loads without a network/)
          await kept.getByRole('button', { name: `Delete ${REPOSITORY}` }).click()
          await kept.waitFor({ state: 'detached' })
          expect(await page.evaluate(bytesKept)).toBeLessThan(1000)
          const card = page.locator('.known .way', { hasText: 'Ministral 3 3B' })
          await card.getByRole('button', { name: /^Does it fit\? / }).click()
          const verdict = card.getByRole('status')
          await verdict.getByText(/^(?!Reading)./).waitFor()
          expect(await verdict.textContent()).toMatch(
            /^Fits this GPU, if \d+ MB of its memory are free: weights \d+ MB, .* tokens of context\.$/,
          )
          expect(hub.served - served).toBeLessThan(2 ** 20)
        },
        {
          path: `index.html?model=${REPOSITORY}`,
          serviceWorkers: 'block',
          settings: { ...GREEDY, max_tokens: 24 },
          prepare,
        },
      )
    } finally {
      await hub.close()
    }
  })
})

describe('trouble', () => {
  it(
    'says plainly what is wrong with a file, leaves the model that writes where it is, and takes a dropped GGUF',
    LONG,
    async () => {
      await visit(
        async (page) => {
          await ask(page, 'Tell me about winds.')
          await page.locator('.live .markdown:not(:empty)').waitFor()
          await page.locator('#change-model').click()
          const buffer = Buffer.from('this is no model')
          await page.setInputFiles('#files', { name: 'letter.gguf', mimeType: 'application/octet-stream', buffer })
          await page.locator('#error').waitFor()
          expect(await page.locator('#error').textContent()).toMatch(/letter\.gguf/)
          await page.getByRole('button', { name: 'Keep pocket' }).click()
          expect((await answered(page)).length).toBeGreaterThan(60)
          // Another model takes the place of the one that writes: what it had written can be gone on with.
          await page.getByRole('tab', { name: 'Settings' }).click()
          await page.getByLabel('Most tokens').fill('1500')
          await ask(page, 'Tell me about more winds.')
          await page.locator('.live .markdown:not(:empty)').waitFor()
          await drop(page, '/gguf/winds.gguf')
          await page.locator('#model-name', { hasText: 'dropped.gguf' }).waitFor()
          const last = answers(page).last()
          await last.getByText('cut off').waitFor()
          const cut = await shownAnswer(page)
          expect(cut).not.toBe('')
          await page.getByLabel('Most tokens').fill('60')
          await last.getByRole('button', { name: 'Continue' }).click()
          await expect.poll(() => last.getByText('cut off').count()).toBe(0)
          const whole = await answered(page)
          expect(whole.slice(0, cut.length)).toBe(cut)
          expect(whole.length).toBeGreaterThan(cut.length)
          await page.getByRole('button', { name: 'New conversation' }).click()
          await page.getByLabel('Text to continue').fill(PROMPT)
          await page.getByRole('button', { name: 'Continue' }).click()
          const text = await answered(page)
          expect(CONTINUED.replace(/\s+/g, ' ')).toContain(text.replace(/\s+/g, ' ').slice(0, 60))
        },
        { settings: { ...ENDLESS, max_tokens: 80 } },
      )
    },
  )

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

/** Drops the file of an address onto the page. */
async function drop(page: Page, address: string): Promise<void> {
  await page.evaluate(async (from) => {
    const bytes = await (await fetch(from)).arrayBuffer()
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([bytes], 'dropped.gguf'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }))
  }, address)
}

/** Bytes of all files in the private file system of the page. */
async function bytesKept(): Promise<number> {
  const sizeOf = async (folder: FileSystemDirectoryHandle): Promise<number> => {
    let sum = 0
    for await (const handle of folder.values()) {
      if (handle.kind === 'directory') sum += await sizeOf(handle as FileSystemDirectoryHandle)
      else sum += (await (handle as FileSystemFileHandle).getFile()).size
    }
    return sum
  }
  return sizeOf(await navigator.storage.getDirectory())
}
