/**
 * The icons of the demo page as PNGs, from its SVG: `npm run icons` draws them in a Chromium of this machine. Browsers that
 * install a page want them: Chromium 192 and 512 pixels and one that fills its square, which a system cuts to its own
 * shape; iOS one of 180 that does the same.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { INSTALL_ADVICE, startChromium } from '../test/runtime/chromium.ts'

const folder = join(import.meta.dirname, '../examples/browser/public')
const ICONS = [
  { name: 'icon-192.png', size: 192, fills: false },
  { name: 'icon-512.png', size: 512, fills: false },
  { name: 'icon-maskable-512.png', size: 512, fills: true },
  { name: 'apple-touch-icon.png', size: 180, fills: true },
] as const

const svg = readFileSync(join(folder, 'icon.svg'), 'utf8')
const browser = await startChromium()
if (!browser) throw new Error(INSTALL_ADVICE)
try {
  for (const { name, size, fills } of ICONS) {
    const page = await browser.newPage({ viewport: { width: size, height: size } })
    const style = `margin:0;width:${size}px;height:${size}px;display:block`
    const drawn = (fills ? svg.replace(/ rx="\d+"/, '') : svg).replace('<svg ', `<svg style="${style}" `)
    await page.setContent(`<!doctype html><body style="margin:0">${drawn}`)
    await page.screenshot({ path: join(folder, name), omitBackground: true })
    await page.close()
  }
} finally {
  await browser.close()
}
