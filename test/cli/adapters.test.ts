/** `--adapter` of the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { patience } from '../support/patience.ts'
import { POCKET_SHAPE, randomAdapter } from '../support/random-adapter.ts'
import { runCommand } from './stage.ts'

const root = mkdtempSync(join(tmpdir(), 'adapters-'))
afterAll(() => rmSync(root, { recursive: true }))
for (const [name, data] of Object.entries(randomAdapter(POCKET_SHAPE))) writeFileSync(join(root, name), data)

const ASK = ['generate', 'What is a mistral?', '--no-sample', '--max-tokens', '8']
const TEXT = async (...more: string[]) => (await runCommand([...ASK, ...more])).stdout

describe('generate --adapter', () => {
  it(
    'answers with the adapter, or with the one of several that the request names',
    async () => {
      const plain = await TEXT()
      const adapted = await TEXT('--adapter', root)
      expect(adapted).not.toBe(plain)
      const both = ['--adapter', `a=${root}`, '--adapter', `b=${root}`]
      expect(await TEXT(...both)).toBe(plain)
      expect(await TEXT(...both, '--adapter-id', 'b')).toBe(adapted)
    },
    patience(240_000),
  )

  it(
    'says what is wrong with it',
    async () => {
      const { code, stderr } = await runCommand([...ASK, '--adapter', join(root, 'nowhere')])
      expect(code).not.toBe(0)
      expect(stderr).toMatch('nowhere')
    },
    patience(120_000),
  )
})
