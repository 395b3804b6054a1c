/** `perplexity` on the command line: the numbers of the library, and errors in the words of its options. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { root } from '../support/child.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { type Stage, type StageOptions, stage } from './stage.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))

const FIXTURES = join(root, 'test/fixtures/perplexity')
const WINDS = join(FIXTURES, 'winds.txt')
const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'reference.json'), 'utf8'))
const reference = cases.find(
  ({ model, window }: { model: string; window: number }) => model === 'pocket' && window === 64,
)

async function run(argv: readonly string[], options: StageOptions = {}): Promise<Stage> {
  const on = stage({
    argv: ['perplexity', ...argv],
    env: { MISTRAL_WEBGPU_DISABLE: disabledFeatures().join() },
    ...options,
  })
  await runCli(on.cli.terminal)
  return on
}

describe('perplexity', { timeout: patience(240_000) }, () => {
  it('--json prints what the library gives, and how it was measured', async () => {
    const on = await run(['-f', WINDS, '--window', '64', '--stride', '64', '--kv-cache', 'f32', '--json'])
    expect(on.err()).toBe('')
    const found = JSON.parse(on.out())
    expect(Math.abs(found.nats_per_token - reference.nll)).toBeLessThan(1e-3)
    expect(found.perplexity).toBeCloseTo(Math.exp(found.nats_per_token), 8)
    expect(found).toMatchObject({ method: 'strided', window: 64, stride: 64, windows: 24, quantization: null })
    expect(found).toMatchObject({ counted_tokens: reference.counted, tokens: 1479 })
    expect(Object.values(found).filter((value) => value === undefined)).toEqual([])
  })

  it('prints a few lines for people, and says what rounding the weights costs', async () => {
    const text = readFileSync(WINDS, 'utf8').slice(0, 400)
    const on = await run(['-f', '-', '--weights', 'q4', '--method', 'llama.cpp', '--window', '32'], { input: text })
    expect(on.err()).toMatch(/^note: weights are rounded to q4: they err by \d\.\d\d % \(root mean square\), most in w/)
    expect(on.out()).toMatch(
      /^perplexity +\d+\.\d{4} ± \d+\.\d{4}\nnats per token +\d\.\d{5} ± \d\.\d{5}\nbits per byte/,
    )
    expect(on.out()).toMatch(/method +llama\.cpp, second halves, window 32: \d windows\n$/)
  })

  it.each([
    [['-f', join(FOLDER, 'none.txt')], /^error: .*none\.txt: cannot be opened/, 1],
    [['-f', 'latin1'], /^error: .*latin1\.txt: is not UTF-8 text\n$/, 1],
    [['-f', 'empty'], /^error: option --file ".*empty\.txt": holds no text\n$/, 2],
    [
      ['-f', 'short', '--method', 'llama.cpp'],
      /^error: option --file \("Hi"\): has \d tokens; one window, 512 at least/,
      2,
    ],
    [['-f', WINDS, '--window', '2000'], /^error: option --window \(2000\): must be an integer from 2 to 1024\n$/, 2],
    [
      ['-f', WINDS, '--window', '10', '--stride', '11'],
      /^error: option --stride \(11\): must be an integer from 1 to 10/,
      2,
    ],
    [['-f', WINDS, '--stride', '0'], /^error: option --stride "0" must be an integer of at least 1\n$/, 2],
    [['-f', WINDS, '--method', 'exact'], /Allowed choices are strided, llama\.cpp/, 2],
    [[], /required option '-f, --file <text>' not specified/, 2],
  ] as const)('%j fails', async (argv, message, code) => {
    const files = { latin1: Uint8Array.of(0x66, 0xf6, 0x68, 0x6e), empty: new Uint8Array(), short: Buffer.from('Hi') }
    const given = argv.map((word) => {
      if (!Object.hasOwn(files, word)) return word
      writeFileSync(join(FOLDER, `${word}.txt`), files[word as keyof typeof files])
      return join(FOLDER, `${word}.txt`)
    })
    const on = await run(given)
    expect(on.err()).toMatch(message)
    expect(on.out()).toBe('')
    expect(on.exitCode()).toBe(code)
  })
})
