/** One model for the tabs of a browser: loaded once, and never missed when a tab closes. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/index.ts'
import { root } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import { INSTALL_ADVICE, startChromium } from './chromium.ts'
import type { StaticServer } from './static-server.ts'
import { serveTabs } from './tabs-harness/build.ts'
import type { Answered } from './tabs-harness/harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-tabs-'))
const weights = statSync(join(root, 'models/pocket/model.safetensors')).size
const SOON = { timeout: patience(30_000) }
const LONG = { timeout: patience(300_000) }
const GREEDY: ChatRequest = {
  messages: [{ role: 'user', content: 'Tell me about winds.' }],
  ...{ temperature: 0, max_tokens: 120, ignore_eos: true, logprobs: true },
}
const DRAWN: ChatRequest = { ...GREEDY, temperature: 1.3, top_p: 1, seed: 12 }
let browser: Browser | undefined
let context: BrowserContext
let server: StaticServer
let complaints: string[]

beforeAll(async () => {
  browser = await startChromium()
  if (!browser) return
  server = await serveTabs(folder)
}, patience(120_000))

afterAll(async () => {
  await browser?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async (test) => {
  if (!browser) return test.skip(INSTALL_ADVICE)
  context = await browser.newContext()
  complaints = []
  server.requests.splice(0)
})

afterEach(async () => {
  await context?.close()
  expect(complaints).toEqual([])
})

async function open(): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.setDefaultTimeout(patience(120_000))
  await page.goto(`${server.origin}/page/index.html`)
  await page.waitForFunction(() => window.tab !== undefined)
  return page
}

const load = (page: Page) => page.evaluate(() => window.tab.load({ shared: true, maxSequences: 3 }))
const ask = (page: Page, request: ChatRequest) => page.evaluate((asked) => window.tab.ask(asked), request)
const begun = (page: Page, count: number) => page.waitForFunction((least) => window.tab.count() >= least, count)
const answer = (page: Page): Promise<Answered> => page.evaluate(() => window.tab.answer())
const tabs = (page: Page) => page.evaluate(() => window.tab.tabs())
const running = (page: Page) => page.evaluate(() => window.tab.running())

async function asked(page: Page, request: ChatRequest): Promise<Answered> {
  await ask(page, request)
  return answer(page)
}

/** How often the weights came from the server. */
function loads(): number {
  const reads = server.requests.filter(({ path }) => path.endsWith('.safetensors'))
  const bytes = reads.reduce((sum, { range }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [undefined, '0', `${weights - 1}`]
    return sum + Math.min(Number(to), weights - 1) - Number(from) + 1
  }, 0)
  return Math.round(bytes / weights)
}

/** The text, and what the tokens' probabilities were, which another batch may give in other last bits. */
function comparable({ text, completion: { token_ids, finish_reason, logprobs } }: Answered) {
  return { text, token_ids, finish_reason, logprobs: logprobs!.map(({ logprob }) => Math.round(logprob * 50) / 50) }
}

describe('tabs of a browser', () => {
  it('load one model, and go on in the middle of an answer when the tab with it closes', LONG, async () => {
    const [leader, second, third] = [await open(), await open(), await open()]
    await Promise.all([load(leader), load(second), load(third)])
    expect(loads()).toBe(1)
    expect(await tabs(third)).toBe(3)
    const [greedy, drawn] = [await asked(second, GREEDY), await asked(third, DRAWN)]
    const leading = await leaderOf([leader, second, third])
    const [one, other] = [leader, second, third].filter((page) => page !== leading) as [Page, Page]
    await Promise.all([ask(one, GREEDY), ask(other, DRAWN)])
    await Promise.all([begun(one, 10), begun(other, 10)])
    await leading.close()
    for (const page of [one, other]) expect(await page.evaluate(() => window.tab.count())).toBeLessThan(110)
    expect(comparable(await answer(one))).toEqual(comparable(greedy))
    expect(comparable(await answer(other))).toEqual(comparable(drawn))
    expect(loads()).toBe(2)
    expect(await tabs(one)).toBe(2)
  })

  it('stop what runs for a tab that aborts, and for one that closes', LONG, async () => {
    const [leader, follower] = [await open(), await open()]
    await load(leader)
    await load(follower)
    const endless = { ...GREEDY, max_tokens: 1500 }
    await ask(follower, endless)
    await begun(follower, 2)
    expect(await running(leader)).toBe(1)
    await follower.evaluate(() => window.tab.abort())
    expect(await follower.evaluate(() => window.tab.error())).toBe('AbortError: enough')
    await expect.poll(() => running(leader), SOON).toBe(0)
    await ask(follower, endless)
    await begun(follower, 2)
    await follower.close()
    await expect.poll(() => running(leader), SOON).toBe(0)
    await expect.poll(() => tabs(leader), SOON).toBe(1)
    expect((await asked(leader, { ...GREEDY, max_tokens: 8 })).completion.token_ids).toHaveLength(8)
    await leader.evaluate(() => window.tab.dispose())
    const held = await leader.evaluate(async () => (await navigator.locks.query()).held?.map(({ name }) => name))
    expect(held).toEqual([])
    expect(loads()).toBe(1)
  })
})

/** The page whose worker has the model. */
async function leaderOf(pages: readonly Page[]): Promise<Page> {
  const leaders = pages.filter((page) => page.workers().length > 0)
  expect(leaders).toHaveLength(1)
  return leaders[0]!
}
