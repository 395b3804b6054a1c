/** The demo page as it is built, under its content security policy: everything that a visitor can do. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, describe, expect, it } from 'vitest'
import { root } from '../support/child.ts'
import { continuation } from '../support/fixtures.ts'
import { startHub } from '../support/hub-server.ts'
import { patience } from '../support/patience.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'
import { randomGguf, SUPER_BLOCK_CONFIG } from '../support/random-gguf.ts'
import { type StaticServer, serveFolders } from './static-server.ts'
import { useChromium } from './use-chromium.ts'

const { prompt: PROMPT, text: CONTINUED } = continuation()
const gguf = pocketGguf({ endless: true })
const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-demo-'))
const LONG = { timeout: patience(180_000) }
let server: StaticServer

const browser = useChromium(async () => {
  const configFile = join(root, 'examples/browser/vite.config.ts')
  const output = { outDir: folder, emptyOutDir: true }
  await build({ configFile, root: join(root, 'examples/browser'), logLevel: 'error', build: output })
  server = await serveFolders({ page: folder, gguf: dirname(gguf), never: null })
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Opens the page with settings of a visitor; what the browser complains about fails the test. */
async function visit(
  use: (page: Page) => Promise<void>,
  { path = 'index.html', settings = {}, ...options }: { path?: string; settings?: object } & BrowserContextOptions = {},
) {
  const context = await browser()!.newContext({ locale: 'en-US', ...options })
  try {
    await context.addInitScript((text) => {
      if (localStorage.length === 0) localStorage.setItem('mistral-webgpu settings', text)
    }, JSON.stringify(settings))
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.setDefaultTimeout(patience(60_000))
    await page.goto(`${server.origin}/page/${path}`)
    await use(page)
    expect(complaints).toEqual([])
  } finally {
    await context.close()
  }
}

const GREEDY = { do_sample: false, max_tokens: 12 }
const ENDLESS = { do_sample: false, max_tokens: 1500, ignore_eos: true }

async function ask(page: Page, text: string): Promise<void> {
  await page.locator('#prompt').fill(text)
  await page.locator('#prompt').press('Enter')
}

const answers = (page: Page) => page.locator('.entry.assistant')

/** The last answer, once it is complete. */
async function answered(page: Page): Promise<string> {
  await page.locator('.entry.assistant:last-child .outcome').waitFor()
  return ((await answers(page).last().locator('.markdown').textContent()) ?? '').trim()
}

describe('the demo page', () => {
  it('talks to the embedded model at once, with no dialog', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        expect(await answered(page)).toMatch(/wind/)
        expect(await page.locator('.entry.user').textContent()).toContain('What is the mistral?')
        await ask(page, 'And the sirocco?')
        await expect.poll(() => answers(page).count()).toBe(2)
        expect(await answered(page)).not.toBe('')
      },
      { settings: { ...GREEDY, max_tokens: 24 } },
    )
  })

  it('draws its curve where the system has no language', LONG, async () => {
    await visit(
      async (page) => {
        await page.addInitScript(() => {
          Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix' })
        })
        await page.reload()
        await ask(page, 'What is the mistral?')
        expect(await answered(page)).toMatch(/wind/)
        await page.locator('.chart canvas').waitFor()
      },
      { settings: { ...GREEDY, max_tokens: 24 } },
    )
  })

  it('stops, and answers anew beside what was said', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'Tell me about winds.')
        await page.locator('.live .markdown:not(:empty)').waitFor()
        await page.getByRole('button', { name: 'Stop' }).click()
        const stopped = await answered(page)
        expect(stopped).not.toBe('')
        expect(await page.locator('.outcome').last().textContent()).toContain('stopped')
        await page.getByLabel('Regenerate').click()
        await page.locator('.live .markdown:not(:empty)').waitFor()
        await page.getByRole('button', { name: 'Stop' }).click()
        await answered(page)
        expect(await page.locator('.branches').textContent()).toContain('2 / 2')
        await page.getByLabel('The one before').click()
        expect(await answered(page)).toBe(stopped)
      },
      { settings: ENDLESS },
    )
  })

  it('asks the same in other words, as a branch', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        const first = await answered(page)
        await page.getByLabel('Edit').click()
        await page.getByLabel('Your message, in other words').fill('What is the sirocco?')
        await page.getByRole('button', { name: 'Ask this instead' }).click()
        await expect.poll(() => page.locator('.entry.user').textContent()).toContain('sirocco')
        await answered(page)
        await page.locator('.entry.user').getByLabel('The one before').click()
        expect(await answered(page)).toBe(first)
      },
      { settings: GREEDY },
    )
  })

  it('shows how probable each token was, and goes on from another', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        const before = await answered(page)
        await page.getByLabel('Colour each token').check()
        const tokens = page.locator('.token-text .token')
        expect(await tokens.count()).toBeGreaterThan(5)
        expect(((await page.locator('.token-text').textContent()) ?? '').trim()).toBe(before)
        const first = await tokens.allTextContents()
        await tokens.nth(2).click()
        const other = page.locator('.alternatives button:not(:disabled)').first()
        const word = (await other.locator('q').textContent()) ?? ''
        await other.click()
        await page.locator('.branches', { hasText: '2 / 2' }).waitFor()
        await page.locator('.entry.assistant .outcome').waitFor()
        const texts = await tokens.allTextContents()
        expect(texts.slice(0, 2)).toEqual(first.slice(0, 2))
        expect(texts[2]).toBe(word.replace(/^ /, ''))
        expect(texts.length).toBeGreaterThan(3)
      },
      { settings: GREEDY },
    )
  })

  it('follows a JSON schema', LONG, async () => {
    const schema = JSON.stringify({
      type: 'object',
      properties: { wind: { enum: ['mistral', 'bora'] } },
      required: ['wind'],
      additionalProperties: false,
    })
    await visit(
      async (page) => {
        await ask(page, 'Name a wind.')
        await answered(page)
        // JSON with white space before it is a block of code to Markdown, which has a button.
        const json = (await answers(page).last().locator('.markdown').textContent())?.replace(/\s*Copy\s*$/, '')
        expect(['mistral', 'bora']).toContain(JSON.parse(json ?? '').wind)
      },
      { settings: { ...GREEDY, max_tokens: 200, schema } },
    )
  })

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
        await page.reload()
        await page.locator('#model-name').waitFor()
        expect(await answered(page)).toBe(text)
        const download = page.waitForEvent('download')
        await page.getByRole('button', { name: 'Export' }).click()
        const path = join(folder, '..', `${Date.now()}.json`)
        await (await download).saveAs(path)
        await page.getByRole('button', { name: 'New conversation' }).click()
        expect(await answers(page).count()).toBe(0)
        await page.setInputFiles('#import', path)
        expect(await answered(page)).toBe(text)
        expect(await page.locator('.history li').count()).toBe(2)
        await page.getByLabel('Delete What is the mistral?').first().click()
        expect(await page.locator('.history li').count()).toBe(1)
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

describe('for everybody', () => {
  it.each([
    ['a telephone, dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
    ['a desktop, light', { viewport: { width: 1440, height: 900 }, colorScheme: 'light' }],
  ] as const)('has nothing that axe-core calls serious, and no sideways scrolling: %s', LONG, async (_, options) => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        await answered(page)
        for (const tab of options.viewport.width > 1000 ? ['Settings', 'Device', 'Look inside'] : []) {
          await page.getByRole('tab', { name: tab }).click()
          expect(await complaintsOf(page), tab).toEqual([])
        }
        expect(await complaintsOf(page)).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
        await page.locator('#change-model').click()
        expect(await complaintsOf(page)).toEqual([])
      },
      { settings: GREEDY, ...options },
    )
  })
})

async function complaintsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (window as never as { axe: typeof axe }).axe.run())
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}
