/** The demo page as it is built, under its content security policy: what a visitor can do with answers. */
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { answered, answers, ask, ENDLESS, GREEDY, LONG, shownAnswer, useDemo } from './demo-page.ts'

const visit = useDemo()

describe('the demo page', () => {
  it(
    'talks to the embedded model at once, with no dialog; the same is asked in other words, as a branch',
    LONG,
    async () => {
      await visit(
        async (page) => {
          await ask(page, 'What is the mistral?')
          const first = await answered(page)
          expect(first).toMatch(/wind/)
          expect(await page.locator('.entry.user').textContent()).toContain('What is the mistral?')
          await ask(page, 'And the sirocco?')
          await expect.poll(() => answers(page).count()).toBe(2)
          expect(await answered(page)).not.toBe('')
          await page.getByLabel('Edit').first().click()
          await page.getByLabel('Your message, in other words').fill('What is the sirocco?')
          await page.getByRole('button', { name: 'Ask this instead' }).click()
          await expect.poll(() => page.locator('.entry.user').textContent()).toContain('sirocco')
          await answered(page)
          await page.locator('.entry.user').getByLabel('The one before').click()
          await expect.poll(() => answers(page).count()).toBe(2)
          expect(await answers(page).first().locator('.markdown').textContent()).toContain(first)
        },
        { settings: { ...GREEDY, max_tokens: 24 } },
      )
    },
  )

  it('draws its curve where the system has no language, and talks where the browser keeps nothing', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        expect(await answered(page)).toMatch(/wind/)
        await page.locator('.chart canvas').waitFor()
        expect(await page.locator('.history footer').textContent()).toMatch(/keeps nothing.*storage is denied here/)
        await page.getByRole('button', { name: 'New conversation' }).click()
        await page.getByRole('button', { name: 'What is the mistral?', exact: true }).first().click()
        expect(await answered(page)).toMatch(/wind/)
      },
      { path: 'index.html?temperature=0&max_tokens=24', prepare: (page) => page.addInitScript(withoutStorage) },
    )
  })

  it('stops, and answers anew beside what was said', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'Tell me about winds.')
        await page.locator('.live .markdown:not(:empty)').waitFor()
        await page.getByRole('button', { name: 'Stop' }).click()
        const stopped = await answered(page)
        expect(stopped).not.toBe('')
        expect(await page.locator('.entry.assistant:last-child .outcome').textContent()).toContain('stopped')
        await page.getByLabel('Regenerate').click()
        await page.locator('.live .markdown:not(:empty)').waitFor()
        await page.getByRole('button', { name: 'Stop' }).click()
        await expect.poll(() => page.locator('.branches').textContent()).toContain('2 / 2')
        await page.getByLabel('The one before').click()
        await expect.poll(() => shownAnswer(page)).toBe(stopped)
        // Other tokens can be taken in what was stopped, too, and it goes on where it was.
        await page.getByLabel('Colour each token').check()
        await page.locator('.token-text .token').nth(2).click()
        expect(await page.locator('.alternatives button:not(:disabled)').count()).toBeGreaterThan(2)
        await page.getByLabel('Colour each token').uncheck()
        await page.getByRole('button', { name: 'Continue' }).click()
        await expect.poll(async () => (await shownAnswer(page)).length).toBeGreaterThan(stopped.length)
        await page.getByRole('button', { name: 'Stop' }).click()
        const longer = await answered(page)
        expect(longer.slice(0, stopped.length)).toBe(stopped)
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('prompt')
      },
      { settings: ENDLESS },
    )
  })

  it('shows how probable each token was, and goes on from another', LONG, async () => {
    await visit(
      async (page) => {
        await ask(page, 'What is the mistral?')
        const before = await answered(page)
        await page.getByLabel('Colour each token').check()
        const tokens = page.locator('.token-text .token')
        await expect.poll(() => tokens.count()).toBeGreaterThan(5)
        expect(((await page.locator('.token-text').textContent()) ?? '').trim()).toBe(before)
        const first = await tokens.allTextContents()
        await tokens.nth(2).click()
        const other = page.locator('.alternatives button:not(:disabled)').first()
        const word = (await other.locator('q').textContent()) ?? ''
        await other.click()
        await page.locator('.branches', { hasText: '2 / 2' }).waitFor()
        await page.locator('.entry.assistant .outcome').waitFor()
        const texts = await tokens.allTextContents()
        expect(texts.slice(0, 2)).toEqual(first.slice(0, 2))
        expect(texts[2]).toBe(word.replace(/^ /, ''))
        expect(texts.length).toBeGreaterThan(3)
      },
      { settings: GREEDY },
    )
  })

  it('follows a JSON schema', LONG, async () => {
    const schema = JSON.stringify({
      type: 'object',
      properties: { wind: { enum: ['mistral', 'bora'] } },
      required: ['wind'],
      additionalProperties: false,
    })
    await visit(
      async (page) => {
        await ask(page, 'Name a wind.')
        await answered(page)
        // JSON with white space before it is a block of code to Markdown, which has a button.
        const json = (await answers(page).last().locator('.markdown').textContent())?.replace(/\s*Copy\s*$/, '')
        expect(['mistral', 'bora']).toContain(JSON.parse(json ?? '').wind)
      },
      { settings: { ...GREEDY, max_tokens: 200, schema } },
    )
  })
})

describe('for everybody', () => {
  it(
    'has nothing that axe-core calls serious, and no sideways scrolling: desktop and telephone, light and dark',
    LONG,
    async () => {
      await visit(
        async (page) => {
          await ask(page, 'What is the mistral?')
          await answered(page)
          const looks = [DESKTOP, TELEPHONE].flatMap((size) =>
            (['light', 'dark'] as const).map((of) => [size, of] as const),
          )
          for (const [viewport, colorScheme] of looks) {
            await page.setViewportSize(viewport)
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
            const isNarrow = viewport === TELEPHONE
            const check = async (what: string) =>
              expect(await complaintsOf(page), `${what}, ${viewport.width}, ${colorScheme}`).toEqual([])
            await check('conversation')
            expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
            if (isNarrow) await page.getByLabel('Settings and numbers').first().click()
            for (const tab of ['Settings', 'Device', 'Look inside']) {
              await page.getByRole('tab', { name: tab }).click()
              await check(tab)
            }
            if (isNarrow) await page.keyboard.press('Escape')
            if (isNarrow) await page.getByLabel('Conversations').first().click()
            await page.getByLabel('Delete What is the mistral?').click()
            await page.getByRole('button', { name: 'Undo' }).waitFor()
            await check('conversations')
            await page.keyboard.press('Enter')
            await answers(page).waitFor()
            if (isNarrow) await page.keyboard.press('Escape')
            await page.locator('#change-model').click()
            await check('models')
            await page.keyboard.press('Escape')
          }
        },
        { settings: GREEDY },
      )
    },
  )
})

const DESKTOP = { width: 1440, height: 900 }
const TELEPHONE = { width: 390, height: 844 }

async function complaintsOf(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    (window as never as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] }),
  )
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** Makes the browser one that has no language and keeps nothing. */
function withoutStorage(): void {
  Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix' })
  const refuse = () => {
    throw new DOMException('storage is denied here', 'SecurityError')
  }
  Object.defineProperty(globalThis, 'localStorage', { get: refuse })
  Object.defineProperty(globalThis, 'sessionStorage', { get: refuse })
  IDBFactory.prototype.open = refuse
}
