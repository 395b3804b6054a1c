/** `quantize` on the command line: a folder that the other commands open, and errors in the words of its options. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
const POCKET = join(root, 'models/pocket')

async function run(argv: readonly string[], options: StageOptions = {}): Promise<Stage> {
  const on = stage({ argv, env: { MISTRAL_WEBGPU_DISABLE: disabledFeatures().join() }, ...options })
  await runCli(on.cli.terminal)
  return on
}

describe('quantize', { timeout: patience(120_000) }, () => {
  it('writes a folder whose answers are those of rounding while loading', async () => {
    const out = join(FOLDER, 'nested/q4')
    const on = await run(['quantize', '-m', POCKET, '--weights', 'q4', '-o', out])
    expect(on.err()).toBe('')
    expect(on.out()).toMatch(
      /nested\/q4: model\.gguf, 2\.2 MiB, and beside it tokenizer\.json, tokenizer_config\.json\nerror .*: 7\.\d\d % in all; tokEmbeddings 0\.\d\d %, wq 8\.\d\d %/,
    )
    const ask = ['--no-sample', '-n', '12', '--json', '-p', 'What is a mistral?']
    const [source, written] = [
      await run(['generate', '-m', POCKET, '--weights', 'q4', ...ask], { input: '' }),
      await run(['generate', '-m', out, ...ask], { input: '' }),
    ]
    expect(written.err()).toBe('')
    const { timings: _, ...expected } = JSON.parse(source.out())
    expect(JSON.parse(written.out())).toMatchObject(expected)
  })

  it('--json prints what was written', async () => {
    const out = join(FOLDER, 'q8')
    const on = await run(['quantize', '-m', POCKET, '--weights', 'q8', '-o', out, '--json'])
    const result = JSON.parse(on.out())
    expect(result).toMatchObject({ folder: out, files: readdirSync(out).sort(), notes: [] })
    expect(result.quantization.relativeError).toBeLessThan(0.007)
  })

  it.each([
    [['-m', POCKET, '-o', 'x'], /required option '--weights <type>' not specified/, 2],
    [['-m', POCKET, '--weights', 'q4'], /required option '-o, --out <folder>' not specified/, 2],
    [['--weights', 'q4', '-o', 'x'], /required option '-m, --model <source>' not specified/, 2],
    [['-m', POCKET, '--weights', 'native', '-o', 'x'], /Allowed choices are q8, q4/, 2],
    [
      ['-m', POCKET, '--weights', 'q4', '-o', 'full'],
      /^error: option --out \(".*full"\): is not empty.* without --force\n$/,
      2,
    ],
    [['-m', POCKET, '--weights', 'q4', '-o', 'full', '--force'], /holds another model, a\.gguf\n$/, 2],
    [['-m', join(FOLDER, 'none'), '--weights', 'q4', '-o', 'x'], /there is no such file or folder/, 1],
    [['-m', POCKET, '--weights', 'q4', '--output', 'x', '--forced'], /Did you mean --force\?/, 2],
  ] as const)('%j fails', async (argv, message, code) => {
    mkdirSync(join(FOLDER, 'full'), { recursive: true })
    writeFileSync(join(FOLDER, 'full/a.gguf'), '')
    const on = await run([
      'quantize',
      ...argv.map((word) => (['x', 'full'].includes(word) ? join(FOLDER, word) : word)),
    ])
    expect(on.err()).toMatch(message)
    expect(on.out()).toBe('')
    expect(on.exitCode()).toBe(code)
    expect(existsSync(join(FOLDER, 'x'))).toBe(false)
    expect(readdirSync(join(FOLDER, 'full'))).toEqual(['a.gguf'])
  })
})
