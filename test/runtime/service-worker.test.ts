/** The example whose service worker answers OpenAI's requests: asked by OpenAI's own client, in pages of several kinds. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import type OpenAI from 'openai'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { patience } from '../support/patience.ts'
import { buildServiceWorker } from './build-page.ts'
import { type StaticServer, serveFolders } from './static-server.ts'
import { useChromium } from './use-chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
const LONG = { timeout: patience(120_000) }
const GREEDY: OpenAI.ChatCompletionCreateParams = {
  model: 'any',
  messages: [{ role: 'user', content: 'What is a mistral?' }],
  temperature: 0,
}
/** Pocket's own card has the answer. */
const ANSWER =
  'The mistral is a strong, cold and dry wind that blows from the north down the Rhône valley to the Mediterranean coast of France.'
const ENDLESS = { ...GREEDY, max_tokens: 300, ignore_eos: true } as OpenAI.ChatCompletionCreateParams
const LASTING = { ...ENDLESS, max_tokens: 900 } as OpenAI.ChatCompletionCreateParams
let server: StaticServer
let context: BrowserContext
/** A tab that has the model, and one that knows of none. */
let first: Page
let plain: Page
const complaints: string[] = []

const browser = useChromium(async (started) => {
  await buildServiceWorker(folder)
  server = await serveFolders({ page: folder })
  context = await started.newContext()
  first = await openExample()
  plain = await openPlain()
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  complaints.splice(0)
  await first.locator('#requests').evaluate((rows) => rows.replaceChildren())
})

afterEach(() => {
  if (!browser()) return
  // Errors that a test asks for are told to the console, too, by their status.
  expect(complaints.filter((text) => !/status of (400|404|503)/.test(text))).toEqual([])
  expect(server.requests.filter(({ path }) => path.startsWith('/v1'))).toEqual([])
})

async function open(path: string): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.setDefaultTimeout(patience(60_000))
  await page.goto(`${server.origin}/page/${path}`)
  return page
}

/** A page that has loaded the model. */
async function openExample(): Promise<Page> {
  const page = await open('index.html')
  await page.locator('#status', { hasText: /^ready$/ }).waitFor({ timeout: patience(90_000) })
  return page
}

/** A page that knows of no model. */
async function openPlain(): Promise<Page> {
  const page = await open('plain/index.html')
  await page.waitForFunction(() => window.plain !== undefined && navigator.serviceWorker.controller !== null)
  return page
}

/** What the tab with the model says of the requests that it answered, the latest first. */
const answered = () =>
  first
    .locator('#requests tr')
    .evaluateAll((rows) => rows.map((row) => (row as HTMLTableRowElement).cells[1]!.textContent))
const pieces = (page: Page) => page.evaluate(() => window.plain.count())

const whole = (page: Page, body: object) =>
  page.evaluate((body) => window.plain.whole(body as OpenAI.ChatCompletionCreateParams), body)
const failure = (page: Page, read: 'whole' | 'streamed', body: object) =>
  page.evaluate(([read, body]) => window.plain.error(window.plain[read](body as OpenAI.ChatCompletionCreateParams)), [
    read,
    body,
  ] as const)

describe('the service worker', () => {
  it('is one plain script', () => {
    expect(readFileSync(join(folder, 'sw.js'), 'utf8')).not.toMatch(/\b(import|export)\b/)
  })

  it("answers the page's own client, whose form stops an answer", LONG, async () => {
    await first.locator('#send').click()
    const status = first.locator('#status')
    await expect.poll(() => status.textContent()).toBe('ended by stop')
    expect(await first.locator('#answer').textContent()).toBe(ANSWER)
    await first.locator('#question').fill('Tell me about the bora, the sirocco and the monsoon.')
    // Stops at the first word, in the page itself: the answer may be over before a click from outside arrives.
    await first.evaluate(() => {
      const answer = document.querySelector('#answer')!
      const stop = () => {
        if (answer.textContent === '') return
        document.querySelector<HTMLElement>('#stop')!.click()
        observer.disconnect()
      }
      const observer = new MutationObserver(stop)
      observer.observe(answer, { childList: true, characterData: true, subtree: true })
    })
    await first.locator('#send').click()
    await expect.poll(() => status.textContent()).toBe('stopped')
    await expect.poll(answered).toEqual(['stopped', '200'])
    await first.evaluate(axe.source)
    const { violations } = await first.evaluate(() => (window as never as { axe: typeof axe }).axe.run())
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
  })

  it('answers a page that has no model, whole and in pieces', LONG, async () => {
    expect(await plain.evaluate(() => window.plain.models())).toEqual(['local'])
    expect(await whole(plain, GREEDY)).toBe(ANSWER)
    const streamed = await plain.evaluate((body) => window.plain.streamed(body), GREEDY)
    expect(streamed.join('')).toBe(ANSWER)
    expect(streamed.length).toBeGreaterThan(10)
    expect(await Promise.all([whole(plain, GREEDY), whole(plain, GREEDY)])).toEqual([ANSWER, ANSWER])
    await expect.poll(answered).toEqual(['200', '200', '200', '200', '200'])
  })

  it("tells of bad requests as OpenAI's server does", LONG, async () => {
    const error = { kind: 'BadRequestError', status: 400, param: 'temperature', type: 'invalid_request_error' }
    for (const read of ['whole', 'streamed'] as const) {
      expect(await failure(plain, read, { ...GREEDY, temperature: -1 })).toMatchObject(error)
    }
    const unknown = plain.evaluate(async () => (await fetch('/v1/nothing')).json())
    expect(await unknown).toMatchObject({ error: { code: 'route_not_found' } })
    await expect.poll(answered).toEqual(['404', '400', '400'])
  })

  it('stops what is not read any more', LONG, async () => {
    await plain.evaluate((body) => void window.plain.streamed(body).catch(() => {}), LASTING)
    await expect.poll(() => pieces(plain)).toBeGreaterThan(2)
    await plain.evaluate(() => window.plain.abort())
    await expect.poll(answered).toEqual(['stopped'])
    const other = await openPlain()
    // What is asked later is answered: then the one before has come through.
    const short = (page: Page) => whole(page, { ...GREEDY, max_tokens: 1 })
    await short(other)
    // Of this one Chromium 147 tells the service worker when its head is there, and not before.
    const aborted = failure(plain, 'whole', ENDLESS)
    await short(other)
    await plain.evaluate(() => window.plain.abort())
    expect(await aborted).toMatchObject({ kind: 'APIUserAbortError' })
    await expect.poll(answered).toHaveLength(4)
    // Nobody is left to read, and one of them has no head yet.
    for (const [i, read] of (['streamed', 'whole'] as const).entries()) {
      const closed = await openPlain()
      await short(closed)
      const sent = closed.waitForRequest('**/v1/chat/completions')
      await closed.evaluate(([read, body]) => void window.plain[read](body).catch(() => {}), [read, LASTING] as const)
      await sent
      await short(other)
      await closed.close()
      await expect.poll(answered).toHaveLength(4 + 3 * (i + 1))
      expect((await answered())[0]).toBe('stopped')
    }
    await other.close()
  })

  it('goes on after the browser ended it', LONG, async () => {
    const devtools = await context.newCDPSession(plain)
    await devtools.send('ServiceWorker.enable')
    await devtools.send('ServiceWorker.stopAllWorkers')
    await devtools.detach()
    expect(await whole(plain, GREEDY)).toBe(ANSWER)
    await expect.poll(answered).toEqual(['200'])
  })

  it('gets a page back that was loaded past the cache', LONG, async () => {
    const devtools = await context.newCDPSession(first)
    const loaded = first.waitForEvent('load')
    await devtools.send('Page.reload', { ignoreCache: true })
    await loaded
    await expect.poll(() => first.locator('#status').textContent()).toBe('ready')
    await first.locator('#send').click()
    await expect.poll(() => first.locator('#answer').textContent()).toBe(ANSWER)
    // The list gets its row after the last word: the next test must not find this one's.
    await expect.poll(answered).toEqual(['200'])
  })
})

describe('several tabs', () => {
  it('have one model, and an answer of one outlives the other', LONG, async () => {
    const undisturbed = await whole(plain, ENDLESS)
    await expect.poll(answered).toEqual(['200'])
    const second = await openExample()
    await expect.poll(() => second.locator('#tabs').textContent()).toBe('2 tabs use the one model.')
    const answer = second.evaluate(async (body) => {
      const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      const answer = await (await fetch('/v1/chat/completions', sent)).json()
      return answer.choices[0].message.content
    }, ENDLESS)
    // Tabs answer their own requests.
    expect(await answered()).toEqual(['200'])
    await first.close()
    first = second
    expect(await answer).toBe(undisturbed)
    await expect.poll(answered).toEqual(['200'])
  })

  it('that have no model hear so, and that theirs was cut', LONG, async () => {
    const cut = failure(plain, 'streamed', LASTING)
    await expect.poll(() => pieces(plain)).toBeGreaterThan(2)
    await first.close()
    expect(await cut).toBeDefined()
    expect(await failure(plain, 'whole', GREEDY)).toMatchObject({ status: 503, code: 'no_page' })
    first = await open('index.html?model=nothing')
    await expect.poll(() => first.locator('#status').textContent()).toMatch(/nothing/)
    expect(await failure(plain, 'whole', GREEDY)).toMatchObject({ status: 503, code: 'model_failed' })
  })
})
