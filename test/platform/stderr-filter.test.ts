import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { root, runChild } from '../support/child.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SOURCE = `
  import { writeSync } from 'node:fs'
  import { withoutLines } from ${JSON.stringify(join(root, 'src/platform/stderr-filter.ts'))}
  process.stderr.write('before\\n')
  // As native code writes: to the descriptor itself.
  const result = withoutLines(/^noise/, () => (writeSync(2, 'noise 1\\nnews\\nnoise 2\\nunfinished'), 7))
  process.stderr.write(' after ' + result + '\\n')
  try {
    withoutLines(/^noise/, () => { writeSync(2, 'noise 3\\n'); throw new Error('mine') })
  } catch (error) {
    writeSync(2, error.message + '\\n')
  }`
const EVERYTHING = 'before\nnoise 1\nnews\nnoise 2\nunfinished after 7\nnoise 3\nmine\n'
const NEWS = 'before\nnews\nunfinished after 7\nmine\n'

/** `redirect` is shell syntax behind the command. */
async function inShell(redirect: string): Promise<string> {
  const file = join(folder, 'out')
  const script = `"$0" --conditions=mistral-webgpu-source --import tsx --input-type=module -e "$1" ${redirect.replaceAll('FILE', file)}`
  const result = await runChild('sh', ['-c', script, process.execPath, SOURCE], { timeoutMs: 60_000 })
  expect(result.code, result.stderr).toBe(0)
  return redirect.includes('FILE') ? readFileSync(file, 'utf8') : result.stdout
}

describe.runIf(process.platform === 'linux')('noise on standard error', () => {
  it('is left out of a pipe, and nothing else is', async () => {
    expect(await inShell('2>&1 >/dev/null | cat')).toBe(NEWS)
  })

  it('is left out of a file of its own', async () => {
    expect(await inShell('2>FILE')).toBe(NEWS)
  })

  it('stays where standard error cannot be opened again', async () => {
    const flags = ['--conditions=mistral-webgpu-source', '--import', 'tsx', '--input-type=module', '-e', SOURCE]
    expect((await runChild(process.execPath, flags)).stderr).toBe(EVERYTHING)
    expect(await inShell('>FILE 2>&1')).toBe(EVERYTHING)
  })

  it('is none of the command line’s, which finds the GPU before it does anything', async () => {
    const main = join(root, 'src/cli/main.ts')
    const script = `"$0" --conditions=mistral-webgpu-source --import tsx "$1" doctor 2>&1 >/dev/null | cat`
    const result = await runChild('sh', ['-c', script, process.execPath, main], { timeoutMs: 60_000 })
    expect(result.stdout).not.toContain('artificially reduced')
  })
})
