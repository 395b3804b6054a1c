/** The demo page as it is built, for the tests of it: served, opened with a visitor's settings, and asked. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'
import { patience } from '../support/patience.ts'
import { buildPage } from './build-page.ts'
import { type StaticServer, serveFolders } from './static-server.ts'
import { useChromium } from './use-chromium.ts'

export const LONG = { timeout: patience(180_000) }
export const GREEDY = { do_sample: false, max_tokens: 12 }
export const ENDLESS = { do_sample: false, max_tokens: 1500, ignore_eos: true }

export interface VisitOptions extends BrowserContextOptions {
  readonly path?: string
  readonly settings?: object
  /** Is done before the page is opened. */
  readonly prepare?: (page: Page) => Promise<unknown>
}

/** Opens the page with settings of a visitor; what the browser complains about fails the test. */
export type Visit = (use: (page: Page, site: Site) => Promise<void>, options?: VisitOptions) => Promise<void>

/** The built page: its folder, and the server that has it under `/page/`. */
export interface Site {
  readonly folder: string
  readonly server: StaticServer
}

/**
 * Builds the page for the tests of a file, and starts a browser for it.
 * @param folders what is served beside it, as `serveFolders` takes them
 */
export function useDemo(folders: Record<string, string | null> = {}): Visit {
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-demo-'))
  let server: StaticServer
  const browser = useChromium(async () => {
    await buildPage('examples/browser', folder)
    server = await serveFolders({ page: folder, ...folders })
  })
  afterAll(async () => {
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return async (use, { path = 'index.html', settings = {}, prepare, ...options } = {}) => {
    const context = await browser()!.newContext({ locale: 'en-US', ...options })
    context.setDefaultTimeout(patience(60_000))
    try {
      await context.addInitScript((text) => {
        if (localStorage.length === 0) localStorage.setItem('mistral-webgpu settings', text)
      }, JSON.stringify(settings))
      const page = await context.newPage()
      await prepare?.(page)
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      await page.goto(`${server.origin}/page/${path}`)
      await use(page, { folder, server })
      expect(complaints).toEqual([])
    } finally {
      await context.close()
    }
  }
}

export async function ask(page: Page, text: string): Promise<void> {
  await page.locator('#prompt').fill(text)
  await page.locator('#prompt').press('Enter')
}

export const answers = (page: Page) => page.locator('.entry.assistant')

/** The last answer, once it is complete. */
export async function answered(page: Page): Promise<string> {
  await page.locator('.entry.assistant:last-child .outcome').waitFor()
  return shownAnswer(page)
}

/** What is shown of the last answer now. */
export async function shownAnswer(page: Page): Promise<string> {
  return ((await answers(page).last().locator('.markdown').textContent()) ?? '').trim()
}
