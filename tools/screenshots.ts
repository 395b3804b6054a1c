/**
 * Pictures of the demo page for the documentation: `npm run screenshots` builds the page, asks the embedded model something in
 * a Chromium of this machine, and writes `docs/images/demo-{390,1440}-{light,dark}.png`. A folder after it gets pictures of all that
 * the page has besides, to be looked at: `npm run screenshots -- /tmp/pictures`.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { buildPage } from '../test/runtime/build-page.ts'
import { INSTALL_ADVICE, startChromium } from '../test/runtime/chromium.ts'
import { serveFolders } from '../test/runtime/static-server.ts'

const root = join(import.meta.dirname, '..')
const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
] as const
const QUESTIONS = ['What is the mistral?', 'How does it form?'] as const
/** No picture of the documentation is larger. */
const MOST_BYTES = 150_000

interface Look {
  readonly width: number
  readonly height: number
  readonly colorScheme: 'light' | 'dark'
}

const others = process.argv[2]
const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-screenshots-'))
const browser = await startChromium()
if (!browser) throw new Error(INSTALL_ADVICE)
await buildPage('examples/browser', folder)
const server = await serveFolders({ page: folder })
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const size of SIZES) await pictures(browser, { ...size, colorScheme })
  }
} finally {
  await browser.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}

async function pictures(browser: Browser, { width, height, colorScheme }: Look): Promise<void> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' })
  await context.addInitScript(() => localStorage.setItem('mistral-webgpu settings', '{"do_sample":false}'))
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const look = (name: string) =>
    others && page.screenshot({ path: join(others, `${name}-${width}-${colorScheme}.png`) })
  if (others) mkdirSync(others, { recursive: true })
  await page.goto(`${server.origin}/page/index.html`)
  await page.locator('.welcome').waitFor()

  await look('welcome')
  for (const question of QUESTIONS) await ask(page, question)
  const path = join(root, `docs/images/demo-${width}-${colorScheme}.png`)
  await page.screenshot({ path })
  const { size } = statSync(path)
  if (size > MOST_BYTES) throw new Error(`${path} has ${size} bytes; at most ${MOST_BYTES} are wanted`)
  console.log(`${path}: ${Math.round(size / 1000)} kB`)
  if (others) await everythingElse(page, look)
  await context.close()
}

async function ask(page: Page, question: string): Promise<void> {
  await page.locator('#prompt').fill(question)
  await page.locator('#prompt').press('Enter')
  await page.locator('.entry.assistant:last-child .outcome').waitFor()
}

async function everythingElse(page: Page, look: (name: string) => unknown): Promise<void> {
  const drawer = page.getByLabel('Settings and numbers').first()
  const narrow = await drawer.isVisible()
  if (narrow) await drawer.click()
  await page.locator('.switch-line').first().click()
  await look('numbers')
  await page.getByRole('tab', { name: 'Settings' }).click()
  await look('settings')
  await page.getByRole('tab', { name: 'Device' }).click()
  await page.locator('.device .facts').waitFor()
  await look('device')
  if (narrow) await page.locator('.veil').click({ position: { x: 20, y: 400 } })
  await look('tokens')
  await page.locator('.token').nth(3).click()
  await look('alternatives')
  if (narrow) {
    await page.getByLabel('Conversations').first().click()
    await look('history')
    await page.locator('.veil').click({ position: { x: 370, y: 400 } })
  }
  await page.locator('.model-name').click()
  await look('models')
}
