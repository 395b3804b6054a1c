/** A Chromium with WebGPU on the CPU, whatever the machine has. */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Browser, chromium } from 'playwright-core'
import { type LockFile, tryLock } from '../../src/platform/lock-file.ts'
import { patience } from '../support/patience.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome']
const MAC = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  // Chromium refuses every adapter on the CPU but its own SwiftShader.
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
]

export const INSTALL_ADVICE =
  'no Chromium with WebGPU starts here: install one (`apt-get install chromium`), or set CHROMIUM_PATH to its executable'

/** undefined when no browser of this machine starts, or none has WebGPU. `flags` are of the browser's command line. */
export async function startChromium(flags: readonly string[] = []): Promise<Browser | undefined> {
  for await (const candidate of candidates()) {
    const browser = await launch(candidate, flags).catch(() => undefined)
    if (browser && (await hasAdapter(browser).catch(() => false))) return browser
    await browser?.close()
  }
  return undefined
}

async function hasAdapter(browser: Browser): Promise<boolean> {
  const page = await browser.newPage()
  page.setDefaultTimeout(patience(30_000))
  try {
    // WebGPU exists in secure contexts only, and a blank page is none.
    await page.route('http://localhost/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
    )
    await page.goto('http://localhost/')
    return await page.evaluate(async () => (await (navigator.gpu as GPU | undefined)?.requestAdapter()) != null)
  } finally {
    await page.close()
  }
}

interface Candidate {
  readonly path: string
  readonly args?: readonly string[]
}

async function* candidates(): AsyncGenerator<Candidate> {
  const named = process.env.CHROMIUM_PATH
  // Who names a browser wants that one and no other.
  if (named) return yield { path: named }
  const folders = (process.env.PATH ?? '').split(delimiter)
  const installed = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ...MAC]
  for (const path of installed.filter((path) => existsSync(path))) yield { path }
  const packed = await unpackedChromium().catch(() => undefined)
  if (packed) yield packed
}

/** The one in `@sparticuz/chromium`, made for Linux machines without a browser; it brings its libraries only for some. */
async function unpackedChromium(): Promise<Candidate | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const { default: packed } = await import('@sparticuz/chromium')
  // It takes a file that another process still writes for the browser, and files of tests run side by side.
  const lock = await soleLock(join(tmpdir(), 'mistral-webgpu-chromium.lock'))
  try {
    return { path: await packed.executablePath(), args: ['--headless=shell'] }
  } finally {
    await lock.release()
  }
}

async function soleLock(path: string): Promise<LockFile> {
  for (;;) {
    const lock = await tryLock(path)
    if (lock !== undefined) return lock
    await delay(100)
  }
}

function launch({ path, args = [] }: Candidate, flags: readonly string[]): Promise<Browser> {
  // The suite's own choice of a Vulkan driver is for Node; it would hide Chromium's.
  const { VK_ICD_FILENAMES: _, LD_LIBRARY_PATH: __, ...env } = process.env
  return chromium.launch({
    executablePath: path,
    args: [...FLAGS, ...args, ...flags],
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    timeout: patience(30_000),
  })
}
