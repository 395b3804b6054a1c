/** The demo page as it is built: what it keeps of conversations, in one tab and in several, and of itself. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { writeServiceWorker } from '../../examples/browser/service-worker.ts'
import { answered, answers, ask, ENDLESS, GREEDY, LONG, shownAnswer, useDemo } from './demo-page.ts'

const visit = useDemo()
const QUESTION = 'What is the mistral?'

describe('the demo page', () => {
  it(
    'writes on in conversations that are not shown, goes on after a reload, and hands out what it keeps',
    LONG,
    async () => {
      await visit(
        async (page) => {
          await ask(page, QUESTION)
          const wanted = await answered(page)
          // The browser keeps it a moment after it is shown.
          await expect.poll(() => kept(page)).toContain(wanted)
          await startNew(page)
          await ask(page, QUESTION)
          await begun(page)
          await startNew(page)
          const marks = page.locator('.history li', { hasText: 'Being answered' })
          expect(await marks.count()).toBe(1)
          await ask(page, QUESTION)
          await begun(page)
          await page.locator('#prompt').fill('half a thou')
          await page.reload()
          // What had come is there as soon as the model is, and the rest comes.
          await page.locator('.entry.assistant').waitFor()
          expect(await page.locator('#prompt').inputValue()).toBe('half a thou')
          expect(await answered(page)).toBe(wanted)
          await page.locator('.history .title').nth(1).click()
          expect(await answered(page)).toBe(wanted)
          await expect.poll(() => marks.count()).toBe(0)
          // One that is not in sight is stopped from the list; it has no end before.
          await page.getByRole('tab', { name: 'Settings' }).click()
          await page.getByLabel('Most tokens').fill('1500')
          await page.getByLabel('Regenerate').click()
          await begun(page)
          await startNew(page)
          await page.getByLabel(`Stop the answer in ${QUESTION}`).click()
          await expect.poll(() => marks.count()).toBe(0)
          // It comes to the top of the list when it is kept.
          const stoppedOnTop = async () => {
            await page.locator('.history .title').first().click()
            return page.getByText('stopped').count()
          }
          await expect.poll(stoppedOnTop).toBe(1)
          const stopped = await shownAnswer(page)
          const least = Math.min(wanted.length, stopped.length)
          expect(stopped.slice(0, least)).toBe(wanted.slice(0, least))
          const path = join(tmpdir(), `mistral-webgpu-${process.pid}.json`)
          const download = page.waitForEvent('download')
          await page.getByRole('button', { name: 'Export' }).click()
          await (await download).saveAs(path)
          await startNew(page)
          await expect.poll(() => answers(page).count()).toBe(0)
          await page.setInputFiles('#import', path)
          expect(await answered(page)).toBe(stopped)
          await expect.poll(() => page.locator('.history li').count()).toBe(4)
          await page.getByLabel(`Delete ${QUESTION}`).first().click()
          await expect.poll(() => page.locator('.history li').count()).toBe(3)
          await page.getByRole('button', { name: 'Undo' }).click()
          await expect.poll(() => page.locator('.history li').count()).toBe(4)
          expect(await answered(page)).toBe(stopped)
          rmSync(path)
        },
        { settings: { ...ENDLESS, max_tokens: 70 } },
      )
    },
  )

  it('is one in three tabs: model, conversations, and an answer whose tab closes', LONG, async () => {
    await visit(
      async (first) => {
        await ask(first, QUESTION)
        const wanted = await answered(first)
        const others = [await first.context().newPage(), await first.context().newPage()] as const
        for (const page of others) await page.goto(first.url())
        for (const page of [first, ...others]) await page.getByText('shared by 3 tabs').waitFor()
        const [second, third] = others
        expect(await answered(second)).toBe(wanted)
        await second.locator('#prompt').fill('half a thou')
        await startNew(first)
        await ask(first, QUESTION)
        await begun(first)
        await third.locator('.history .title').first().click()
        await begun(third)
        await first.close()
        expect(await answered(third)).toBe(wanted)
        // Both add to the same conversation at once.
        await second.locator('.history .title').first().click()
        expect(await answered(second)).toBe(wanted)
        await Promise.all(others.map((page) => page.getByLabel('Regenerate').click()))
        for (const page of others) await page.getByText(/^[23] \/ 3$/).waitFor()
        for (const page of others) expect(await answered(page)).toBe(wanted)
        await third.reload()
        await third.getByText(/^[23] \/ 3$/).waitFor()
        await third.getByLabel(`Delete ${QUESTION}`).first().click()
        await expect.poll(() => second.locator('.history li').count()).toBe(1)
        expect(await second.locator('#prompt').inputValue()).toBe('half a thou')
        await expect.poll(() => answers(second).count()).toBe(1)
        await third.close()
        await second.getByText('shared by').waitFor({ state: 'detached' })
      },
      { settings: { ...ENDLESS, max_tokens: 100 } },
    )
  })

  it('works without a network once it was open, and changes as a whole when there is a new version', LONG, async () => {
    await visit(
      async (page, { folder, server }) => {
        await page.locator('#model-name').waitFor()
        await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
        const devtools = await page.context().newCDPSession(page)
        expect(await devtools.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] })
        const asked = server.requests.length
        const pocket = readdirSync(folder).find((name) => name.startsWith('pocket-'))!
        renameBuild(folder, pocket)
        // A server between two builds: what does not belong together is not kept.
        writeFileSync(join(folder, 'icon.svg'), '<svg/>')
        await look(page)
        expect(await page.getByText('A new version').count()).toBe(0)
        writeServiceWorker(folder)
        await look(page)
        await page.getByText('A new version of this page is ready.').waitFor()
        const looked = server.requests.length
        await page.context().setOffline(true)
        await page.reload()
        await ask(page, QUESTION)
        const text = await answered(page)
        expect([text === '', await page.title()]).toEqual([false, 'mistral-webgpu'])
        await page.locator('#prompt').fill('half a thou')
        await page.locator('.update button').click()
        await expect.poll(() => page.title()).toBe('second')
        await page.locator('#model-name').waitFor()
        expect(await page.locator('#prompt').inputValue()).toBe('half a thou')
        expect(await answered(page)).toBe(text)
        await page.getByLabel('Regenerate').click()
        await page.getByText('2 / 2').waitFor()
        expect(await answered(page)).toBe(text)
        expect(await page.evaluate(async () => (await caches.keys()).length)).toBe(1)
        // Of the second build, only its installation has asked the server for anything.
        const taken = (from: number, to?: number) =>
          server.requests.slice(from, to).flatMap(({ path, status }) => (status === 404 ? [] : [path]))
        expect(taken(asked, looked)).toContain('/page/assets/index-second.js')
        expect(taken(looked).filter((path) => !path.endsWith('sw.js'))).toEqual([])
      },
      { settings: GREEDY },
    )
  })
})

/** Another build: its scripts and its model have other names. */
function renameBuild(folder: string, pocket: string): void {
  const main = readdirSync(join(folder, 'assets')).find((name) => /^index-.*\.js$/.test(name))!
  const texts = ['index.html', ...readdirSync(join(folder, 'assets')).map((name) => join('assets', name))]
  for (const name of texts.filter((one) => /\.(?:js|html)$/.test(one))) {
    const text = readFileSync(join(folder, name), 'utf8').replaceAll(main, 'index-second.js')
    const changed = text.replaceAll(pocket, 'pocket-second').replace('<title>mistral-webgpu', '<title>second')
    writeFileSync(join(folder, name), changed)
  }
  renameSync(join(folder, 'assets', main), join(folder, 'assets/index-second.js'))
  renameSync(join(folder, pocket), join(folder, 'pocket-second'))
  writeServiceWorker(folder)
}

/** Looks for a new version, and waits until it is kept or refused. */
async function look(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const registration = await (await navigator.serviceWorker.ready).update()
    const { installing } = registration as ServiceWorkerRegistration
    if (installing === null) return
    await new Promise((resolve) => {
      installing.addEventListener('statechange', resolve, { once: true })
    })
  })
}

async function startNew(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'New conversation' }).click()
}

/** Waits for the first words of an answer. */
async function begun(page: Page): Promise<void> {
  await page.locator('.entry.assistant:last-child .markdown:not(:empty)').waitFor()
}

/** The conversations in the browser's storage, as text. */
async function kept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const ended = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await ended(indexedDB.open('mistral-webgpu'))
    const all = await ended(database.transaction('conversations').objectStore('conversations').getAll())
    database.close()
    return all.flatMap(({ entries }) => Object.values(entries).map((entry) => (entry as { text: string }).text)).join()
  })
}
