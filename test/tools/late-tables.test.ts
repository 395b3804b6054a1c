/** What the build makes of string-width measures as the package does, and asks the runtime for no table as it is imported. */
import { build } from 'esbuild'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { lateTables } from '../../tools/bundled-packages.ts'
import { root } from '../support/child.ts'

test('string-width makes its tables when it first needs them', async () => {
  const { outputFiles } = await build({
    stdin: { contents: `export { default as stringWidth } from 'string-width'`, resolveDir: root },
    ...{ bundle: true, write: false, format: 'esm', target: 'es2022', plugins: [lateTables()] },
  })
  const { Segmenter } = Intl
  let made = 0
  const counting = class extends Segmenter {
    constructor() {
      super()
      made++
    }
  }
  try {
    Object.assign(Intl, { Segmenter: counting })
    const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`
    const built: { stringWidth: typeof stringWidth } = await import(/* @vite-ignore */ url)
    expect(made).toBe(0)
    for (const text of ['wind', '風の名', '👩‍👩‍👧 é 1️⃣', '\u001b[1mföhn\u001b[22m', '🇫🇷🇯🇵', '한글 ﾊﾟ', 'e\u0301\u200b']) {
      expect([text, built.stringWidth(text)]).toEqual([text, stringWidth(text)])
    }
    expect(made).toBe(1)
  } finally {
    Object.assign(Intl, { Segmenter })
  }
})
