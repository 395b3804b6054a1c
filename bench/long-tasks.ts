/**
 * How long a page's main thread is blocked while the embedded model loads and answers, with the engine in the page and in a
 * worker: the tasks over 50 ms that Chromium's Long Tasks API tells of.
 * `npx tsx --conditions=mistral-webgpu-source bench/long-tasks.ts [runs]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { buildPage } from '../test/runtime/build-page.ts'
import { INSTALL_ADVICE, startChromium } from '../test/runtime/chromium.ts'
import { serveFolders } from '../test/runtime/static-server.ts'
import type {} from '../test/runtime/tabs-harness/harness.ts'

const { positionals } = parseArgs({ allowPositionals: true })
const runs = Number(positionals[0] ?? 3)
const REQUEST = { messages: [{ role: 'user', content: 'Tell me about winds.' }], max_tokens: 200, ignore_eos: true }

declare global {
  interface Window {
    /** Milliseconds of each task over 50 ms since it was emptied. */
    longTasks: number[]
  }
}

const browser = await startChromium()
if (!browser) throw new Error(INSTALL_ADVICE)
const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-tasks-'))
await buildPage('test/runtime/tabs-harness', folder)
const server = await serveFolders({ page: folder })
try {
  console.log('| engine | while | runs | tasks over 50 ms | longest, ms |\n|---|---|---|---|---|')
  for (const where of ['page', 'worker'] as const) {
    const blocked: Record<'it loads' | 'it answers', number[]> = { 'it loads': [], 'it answers': [] }
    for (let run = 0; run < runs; run++) {
      const { load, answer } = await measure(browser, `${server.origin}/page/index.html`, where)
      blocked['it loads'].push(...load)
      blocked['it answers'].push(...answer)
    }
    for (const [phase, tasks] of Object.entries(blocked)) {
      console.log(`| ${where} | ${phase} | ${runs} | ${tasks.length} | ${Math.round(Math.max(0, ...tasks)) || '–'} |`)
    }
  }
} finally {
  await browser.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}

async function measure(
  browser: Browser,
  address: string,
  where: 'page' | 'worker',
): Promise<{ load: number[]; answer: number[] }> {
  const page = await browser.newPage()
  page.setDefaultTimeout(300_000)
  await page.addInitScript(() => {
    window.longTasks = []
    new PerformanceObserver((list) => {
      window.longTasks.push(...list.getEntries().map(({ duration }) => duration))
    }).observe({ type: 'longtask' })
  })
  await page.goto(address)
  await page.waitForFunction(() => window.tab !== undefined)
  /** Entries come after the task that they tell of. */
  const taken = () =>
    page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return window.longTasks.splice(0)
    })
  // A number of nothing means something only where the browser tells of what there is.
  await page.evaluate(() => {
    setTimeout(() => {
      for (const end = performance.now() + 120; performance.now() < end; );
    })
  })
  if ((await taken()).length !== 1) throw new Error('this browser does not tell of a task of 120 ms')
  await page.evaluate((place) => window.tab.load({}, place), where)
  const load = await taken()
  await page.evaluate(async (request) => {
    window.tab.ask(request)
    await window.tab.answer()
  }, REQUEST)
  const answer = await taken()
  await page.close()
  return { load, answer }
}
