/** The example page in which the `openai` client calls the app, and the app the GPU, all in one page. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from '../support/child.ts'
import { patience } from '../support/patience.ts'
import { buildPage } from './build-page.ts'
import { type StaticServer, serveFolders } from './static-server.ts'
import { useChromium } from './use-chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
let server: StaticServer

const browser = useChromium(async () => {
  await buildPage('examples/openai-client/browser', folder, 'openai-client/browser')
  server = await serveFolders({ page: folder, pocket: join(root, 'models/pocket') })
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('answers in the page, stops, and asks nobody else', { timeout: patience(240_000) }, async () => {
  const tab = await browser()!.newPage()
  tab.setDefaultTimeout(patience(60_000))
  const complaints: string[] = []
  const hosts = new Set<string>()
  tab.on('pageerror', (error) => complaints.push(String(error)))
  tab.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  tab.on('request', (request) => {
    if (!request.url().startsWith('data:')) hosts.add(new URL(request.url()).origin)
  })
  await tab.goto(`${server.origin}/page/index.html`)
  const status = tab.locator('#status')
  await expect.poll(() => status.textContent(), { timeout: patience(120_000) }).toBe('ready')
  await tab.locator('#send').click()
  await expect.poll(() => status.textContent(), { timeout: patience(100_000) }).toMatch(/^ended by (stop|length)$/)
  expect(await tab.locator('#answer').textContent()).toMatch(/wind/)

  await tab.locator('#question').fill('Tell me about the bora, the sirocco and the monsoon.')
  // Stops at the first word, in the page itself: the answer may be over before a click from outside arrives.
  await tab.evaluate(`{
    const answer = document.querySelector('#answer')
    const stop = () => answer.textContent !== '' && document.querySelector('#stop').click()
    new MutationObserver(stop).observe(answer, { childList: true, characterData: true, subtree: true })
  }`)
  await tab.locator('#send').click()
  await expect.poll(() => status.textContent(), { timeout: patience(60_000) }).toBe('stopped')
  expect(await tab.locator('#send').isEnabled()).toBe(true)
  // The model's files that are looked for and not there are told to the console, too.
  expect(complaints.filter((text) => !/404/.test(text))).toEqual([])
  expect([...hosts]).toEqual([server.origin])
})
