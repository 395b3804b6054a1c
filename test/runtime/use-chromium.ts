/** The browser of a file of tests. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { patience } from '../support/patience.ts'
import { INSTALL_ADVICE, startChromium } from './chromium.ts'

/**
 * Starts a browser for the tests of a file, and skips them where there is none.
 * @param prepare what they take besides
 * @returns the browser, once it has started
 */
export function useChromium(prepare: (browser: Browser) => Promise<void>): () => Browser | undefined {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await startChromium()
    if (browser) await prepare(browser)
  }, patience(180_000))
  afterAll(() => browser?.close())
  beforeEach((context) => {
    if (!browser) context.skip(INSTALL_ADVICE)
  })
  return () => browser
}
