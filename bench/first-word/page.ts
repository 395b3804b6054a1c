/** A fresh page of a new Chromium, which loads the embedded model with a built package and asks for a word. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { INSTALL_ADVICE, startChromium } from '../../test/runtime/chromium.ts'
import { type StaticServer, serveFolders } from '../../test/runtime/static-server.ts'
import { root } from '../../test/support/child.ts'
import type { Run, Stage } from './report.ts'

const STAGES = readFileSync(new URL('stages.mjs', import.meta.url), 'utf8')
const SEVEN = fileURLToPath(new URL('seven.mjs', import.meta.url))

/** `null` asks the bare adapter. */
const programOf = (dist: string | null, prompt: string): string =>
  dist === null
    ? `import { sevenOf } from ${JSON.stringify(SEVEN)}
firstWord.note('begun')
await sevenOf(navigator.gpu)
firstWord.note('word')`
    : `import { MistralChat } from ${JSON.stringify(join(dist, 'index.js'))}
firstWord.note('begun')
const chat = await MistralChat.load(new URL('./pocket', location.href))
firstWord.note('loaded')
const messages = [{ role: 'user', content: ${JSON.stringify(prompt)} }]
for await (const { text } of chat.generate({ messages, max_tokens: 8 })) {
  if (text === '') continue
  document.body.textContent = text
  await new Promise(requestAnimationFrame)
  firstWord.note('word')
  break
}`

export interface BuiltPage {
  run(): Promise<Run>
  close(): Promise<void>
}

export async function buildPage(dist: string | null, prompt: string): Promise<BuiltPage> {
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-first-word-'))
  const [source, built] = [join(folder, 'source'), join(folder, 'built')]
  mkdirSync(source)
  writeFileSync(join(source, 'page.js'), programOf(dist && resolve(dist), prompt))
  writeFileSync(
    join(source, 'index.html'),
    '<!doctype html><meta charset="utf-8"><title>first word</title><body><script type="module" src="./page.js"></script>',
  )
  const output = { outDir: built, target: 'es2023' }
  await build({ root: source, base: './', configFile: false, logLevel: 'error', build: output })
  mkdirSync(join(built, 'pocket'))
  const pocket = join(root, 'models/pocket')
  for (const name of readdirSync(pocket).filter((name) => /\.(json|safetensors)$/.test(name)))
    copyFileSync(join(pocket, name), join(built, 'pocket', name))
  const server = await serveFolders({ page: built })
  return {
    run: () => visit(server),
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A browser of its own each time: browsers keep what they compiled. */
async function visit(server: StaticServer): Promise<Run> {
  const browser = await startChromium()
  if (!browser) throw new Error(INSTALL_ADVICE)
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(300_000)
    await page.addInitScript(STAGES)
    await page.goto(`${server.origin}/page/index.html`)
    await page.waitForFunction(() => window.firstWord.noted.some(({ stage }) => stage === 'word'))
    return { noted: await page.evaluate(() => window.firstWord.noted), cpu: Number.NaN }
  } finally {
    await browser.close()
  }
}

declare global {
  interface Window {
    firstWord: { readonly noted: Stage[] }
  }
}
