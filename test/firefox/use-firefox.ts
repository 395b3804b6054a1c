/** A Firefox of this machine with WebGPU, and pages in it. */
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect } from 'vitest'
import { root } from '../support/child.ts'
import { patience } from '../support/patience.ts'

const NAMES = ['firefox-nightly', 'firefox', 'firefox-esr']
const MAC = ['/Applications/Firefox Nightly.app', '/Applications/Firefox.app'].map(
  (app) => `${app}/Contents/MacOS/firefox`,
)
/** Shaders that the driver has compiled are kept from run to run: what Firefox makes of them takes software adapters very long. */
const HOME = join(root, 'node_modules/.cache/mistral-webgpu/firefox')

/** As much of a page of puppeteer's as is used. The package is no dependency of this one, so its types are not there. */
export interface FoxPage {
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  evaluate<A extends unknown[], T>(run: (...args: A) => T, ...args: A): Promise<Awaited<T>>
  waitForFunction<A extends unknown[]>(run: (...args: A) => unknown, options?: object, ...args: A): Promise<unknown>
  type(selector: string, text: string): Promise<void>
  click(selector: string): Promise<void>
  keyboard: { press(key: string): Promise<void> }
  setViewport(size: { width: number; height: number }): Promise<void>
  screenshot(options: { path: string }): Promise<unknown>
  setDefaultTimeout(ms: number): void
  on(event: string, heard: (it: never) => void): void
  close(): Promise<void>
}

interface FoxContext {
  newPage(): Promise<FoxPage>
  close(): Promise<void>
}

interface Fox {
  version(): Promise<string>
  createBrowserContext(): Promise<FoxContext>
  close(): Promise<void>
}

/** A context of its own: what is stored in it nobody else sees. Complaints of its pages fail the test. */
export interface Visit {
  open(url: string): Promise<FoxPage>
}

/** What Firefox says of each request that a page stops while a service worker answers it. */
const STOPPED = /A ServiceWorker intercepted the request/

/** Starts the browser for the tests of a file. */
export function useFirefox(): (use: (visit: Visit) => Promise<void>) => Promise<void> {
  let browser: Fox
  beforeAll(async () => {
    browser = await startFirefox()
    console.log(await browser.version())
  }, patience(60_000))
  afterAll(() => browser?.close())
  return async (use) => {
    const context = await browser.createBrowserContext()
    const complaints: string[] = []
    const open = async (url: string) => {
      const page = await context.newPage()
      page.setDefaultTimeout(patience(240_000))
      page.on('pageerror', (error: unknown) => complaints.push(String(error)))
      page.on('console', (message: { type(): string; text(): string }) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      await page.goto(url)
      return page
    }
    try {
      await use({ open })
      expect(complaints.filter((text) => !STOPPED.test(text))).toEqual([])
    } catch (error) {
      // What the pages said tells more than what the test found.
      for (const text of complaints) console.error(text)
      throw error
    } finally {
      await context.close()
    }
  }
}

async function startFirefox(): Promise<Fox> {
  const require = createRequire(import.meta.url)
  const { launch } = await import(pathToFileURL(require.resolve('puppeteer-core')).href)
  mkdirSync(HOME, { recursive: true })
  return launch({
    browser: 'firefox',
    executablePath: executable(),
    headless: true,
    protocolTimeout: patience(280_000),
    env: { ...process.env, HOME },
    extraPrefsFirefox: { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true },
  })
}

function executable(): string {
  const named = process.env.FIREFOX_PATH
  const folders = (process.env.PATH ?? '').split(delimiter)
  const installed = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ...MAC]
  const found = named ?? installed.find((path) => existsSync(path))
  if (found === undefined)
    throw new Error('no Firefox is here: install one (`apt-get install firefox-esr`), or set FIREFOX_PATH')
  return found
}
