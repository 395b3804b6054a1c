/** One model for the tabs of a browser: loaded once, and never missed when a tab closes. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/index.ts'
import { root } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import type { StaticServer } from './static-server.ts'
import { serveTabs } from './tabs-harness/build.ts'
import type { Answered } from './tabs-harness/harness.ts'
import { useChromium } from './use-chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-tabs-'))
const weights = statSync(join(root, 'models/pocket/model.safetensors')).size
const LONG = { timeout: patience(300_000) }
const GREEDY: ChatRequest = {
  messages: [{ role: 'user', content: 'Tell me about winds.' }],
  ...{ temperature: 0, max_tokens: 120, ignore_eos: true, logprobs: true },
}
const DRAWN: ChatRequest = { ...GREEDY, temperature: 1.3, top_p: 1, seed: 12 }
/** Chunks that have come of an answer in its middle. */
const BEGUN = 10
let context: BrowserContext
let server: StaticServer
let complaints: string[]

const browser = useChromium(async () => {
  server = await serveTabs(folder)
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  context = await browser()!.newContext()
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

const load = (page: Page, host?: 'leader' | 'shared-worker') =>
  page.evaluate((where) => window.tab.load({ shared: true, maxSequences: 3, host: where }), host)
const host = (page: Page) => page.evaluate(() => window.tab.host())
const answer = (page: Page): Promise<Answered> => page.evaluate(() => window.tab.answer())
const tabs = (page: Page) => page.evaluate(() => window.tab.tabs())
const running = (page: Page) => page.evaluate(() => window.tab.running())
/** Names of the locks that are held. */
const locks = (page: Page) => page.evaluate(async () => (await navigator.locks.query()).held?.map(({ name }) => name))

async function asked(page: Page, request: ChatRequest): Promise<Answered> {
  await page.evaluate((request) => window.tab.ask(request), request)
  return answer(page)
}

/** Begins an answer, and stops reading it in its middle. */
async function begin(page: Page, request: ChatRequest): Promise<void> {
  await page.evaluate(([request, count]) => window.tab.ask(request, count), [request, BEGUN] as const)
  await page.waitForFunction((count) => window.tab.count() === count, BEGUN)
}

/** The whole of an answer that has begun. */
async function rest(page: Page): Promise<Answered> {
  expect(await page.evaluate(() => window.tab.count())).toBe(BEGUN)
  await page.evaluate(() => window.tab.goOn())
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

describe('tabs of a browser, of which one leads', () => {
  it('load one model, and go on in the middle of an answer when the tab with it closes', LONG, async () => {
    const [leader, second, third] = [await open(), await open(), await open()]
    await Promise.all([leader, second, third].map((page) => load(page, 'leader')))
    expect(loads()).toBe(1)
    await expect.poll(() => tabs(third)).toBe(3)
    const [greedy, drawn] = [await asked(second, GREEDY), await asked(third, DRAWN)]
    const leading = await leaderOf([leader, second, third])
    const [one, other] = [leader, second, third].filter((page) => page !== leading) as [Page, Page]
    await Promise.all([begin(one, GREEDY), begin(other, DRAWN)])
    await leading.close()
    const found = await Promise.all([rest(one), rest(other)])
    expect(found.map(comparable)).toEqual([greedy, drawn].map(comparable))
    expect(loads()).toBe(2)
    await expect.poll(() => tabs(one)).toBe(2)
  })

  it('stop what runs for a tab that aborts, and for one that closes', LONG, async () => {
    const [leader, follower] = [await open(), await open()]
    await load(leader, 'leader')
    await load(follower, 'leader')
    expect(await host(follower)).toBe('leader')
    const endless = { ...GREEDY, max_tokens: 1500 }
    await begin(follower, endless)
    expect(await running(leader)).toBe(1)
    await follower.evaluate(() => window.tab.abort())
    expect(await follower.evaluate(() => window.tab.error())).toBe('AbortError: enough')
    await expect.poll(() => running(leader)).toBe(0)
    await begin(follower, endless)
    await follower.close()
    await expect.poll(() => running(leader)).toBe(0)
    await expect.poll(() => tabs(leader)).toBe(1)
    expect((await asked(leader, { ...GREEDY, max_tokens: 8 })).completion.token_ids).toHaveLength(8)
    await leader.evaluate(() => window.tab.dispose())
    await expect.poll(() => locks(leader)).toEqual([])
    expect(loads()).toBe(1)
  })

  it('are those whose browser has no shared workers', LONG, async () => {
    await context.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'))
    const [leader, follower] = [await open(), await open()]
    await load(leader)
    await load(follower)
    expect(await Promise.all([leader, follower].map(host))).toEqual(['leader', 'leader'])
    expect((await asked(follower, { ...GREEDY, max_tokens: 8 })).completion.token_ids).toHaveLength(8)
    expect(loads()).toBe(1)
    const refused = await leader.evaluate(() =>
      window.tab.load({ shared: true, host: 'shared-worker' }).catch((error: Error) => error.name),
    )
    expect(refused).toBe('WorkerError')
  })
})

describe('tabs of a browser with a shared worker', () => {
  it('load one model, and miss nothing when the first of them closes in the middle of an answer', LONG, async () => {
    const [first, second, third] = [await open(), await open(), await open()]
    await Promise.all([first, second, third].map((page) => load(page)))
    expect(loads()).toBe(1)
    expect(await host(first)).toBe('shared-worker')
    expect([first, second, third].map((page) => page.workers().length)).toEqual([0, 0, 0])
    await expect.poll(() => tabs(third)).toBe(3)
    const [greedy, drawn] = [await asked(second, GREEDY), await asked(third, DRAWN)]
    await begin(first, { ...GREEDY, max_tokens: 1500 })
    await Promise.all([begin(second, GREEDY), begin(third, DRAWN)])
    expect(await running(third)).toBe(3)
    await first.close()
    const found = await Promise.all([rest(second), rest(third)])
    expect(found.map(comparable)).toEqual([greedy, drawn].map(comparable))
    await expect.poll(() => running(third)).toBe(0)
    await expect.poll(() => tabs(third)).toBe(2)
    expect(loads()).toBe(1)
  })

  it('go on when the worker crashes, and when it loses its GPU', LONG, async () => {
    const [first, second] = [await open(), await open()]
    await Promise.all([first, second].map((page) => load(page)))
    const greedy = await asked(first, GREEDY)
    const both = [first, second]
    await Promise.all(both.map((page) => begin(page, GREEDY)))
    await endSharedWorker()
    for (const found of await Promise.all(both.map(rest))) expect(comparable(found)).toEqual(comparable(greedy))
    expect(loads()).toBe(2)
    await Promise.all(both.map((page) => begin(page, GREEDY)))
    await inSharedWorker(LOSE_DEVICE)
    for (const found of await Promise.all(both.map(rest))) expect(comparable(found)).toEqual(comparable(greedy))
    expect(await inSharedWorker('lost')).toBe(true)
  })

  it('stop what runs for a tab that aborts, and free all with the last', LONG, async () => {
    const [first, second] = [await open(), await open()]
    await load(first)
    await load(second, 'shared-worker')
    await begin(first, { ...GREEDY, max_tokens: 1500 })
    await first.evaluate(() => window.tab.abort())
    expect(await first.evaluate(() => window.tab.error())).toBe('AbortError: enough')
    await expect.poll(() => running(second)).toBe(0)
    await inSharedWorker(COUNT_DESTROYED)
    await first.evaluate(() => window.tab.dispose())
    expect(await inSharedWorker('destroyed')).toBe(0)
    await second.evaluate(() => window.tab.dispose())
    expect(await inSharedWorker('destroyed')).toBe(1)
    await expect.poll(() => locks(second)).toEqual([expect.stringMatching(/^mistral-webgpu worker /)])
    await load(first)
    expect((await asked(first, { ...GREEDY, max_tokens: 8 })).completion.token_ids).toHaveLength(8)
  })
})

/** The next work of the GPU is its last. */
const LOSE_DEVICE = `{
  const { createCommandEncoder } = GPUDevice.prototype
  globalThis.lost = false
  GPUDevice.prototype.createCommandEncoder = function (...args) {
    GPUDevice.prototype.createCommandEncoder = createCommandEncoder
    this.destroy()
    globalThis.lost = true
    return createCommandEncoder.apply(this, args)
  }
}`

const COUNT_DESTROYED = `{
  const { destroy } = GPUDevice.prototype
  globalThis.destroyed = 0
  GPUDevice.prototype.destroy = function () {
    globalThis.destroyed++
    destroy.call(this)
  }
}`

/** The shared worker of this test's pages: those of the tests before may not be gone yet. */
async function sharedWorker() {
  const page = await context.newCDPSession(context.pages()[0]!)
  const { targetInfo } = await page.send('Target.getTargetInfo')
  await page.detach()
  const session = await browser()!.newBrowserCDPSession()
  const { targetInfos } = await session.send('Target.getTargets')
  const isOurs = ({ type, browserContextId }: (typeof targetInfos)[number]) =>
    type === 'shared_worker' && browserContextId === targetInfo.browserContextId
  return { session, targetId: targetInfos.find(isOurs)!.targetId }
}

async function endSharedWorker(): Promise<void> {
  const { session, targetId } = await sharedWorker()
  await session.send('Target.closeTarget', { targetId })
  await session.detach()
}

/** The value of an expression there. */
async function inSharedWorker(expression: string): Promise<unknown> {
  const { session, targetId } = await sharedWorker()
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false })
  const answer = new Promise<unknown>((resolve) => {
    session.on('Target.receivedMessageFromTarget', ({ message }) => {
      const { id, result } = JSON.parse(message)
      if (id === 1) resolve(result.result.value)
    })
  })
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } })
  await session.send('Target.sendMessageToTarget', { sessionId, message })
  return answer.finally(() => session.detach())
}

/** The page whose worker has the model. */
async function leaderOf(pages: readonly Page[]): Promise<Page> {
  const leaders = pages.filter((page) => page.workers().length > 0)
  expect(leaders).toHaveLength(1)
  return leaders[0]!
}
