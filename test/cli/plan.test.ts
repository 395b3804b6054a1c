/** What `plan` and `--verbose` say, and when. */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { plan } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { runCommand, type Stage, type StageOptions, stage } from './stage.ts'

const MODEL = fileURLToPath(new URL('../fixtures/checkpoints/gguf-mixed/model.gguf', import.meta.url))

async function run(argv: readonly string[], options: StageOptions = {}): Promise<Stage> {
  const on = stage({ argv, env: { MISTRAL_WEBGPU_DISABLE: disabledFeatures().join(',') }, ...options })
  await runCli(on.cli.terminal)
  return on
}

describe('plan', () => {
  it('--json says what the library says', async () => {
    const on = await run(['plan', MODEL, '--max-sequences', '3', '--weights', 'q8', '--json'])
    const options = { disableFeatures: disabledFeatures(), maxSequences: 3, weights: 'q8' } as const
    const { memory, contextLength, reasons } = await plan(MODEL, options)
    expect(JSON.parse(on.out())).toMatchObject({
      fits: true,
      source: MODEL,
      format: 'gguf',
      weights: 'q8',
      context_length: contextLength,
      context_limit: 'model',
      max_sequences: 3,
      memory: {
        total: memory.total,
        weights: memory.weights,
        weights_by_type: memory.weightsByType,
        cache: memory.cache,
        cache_per_token: memory.cachePerToken,
        workspace: memory.workspace,
      },
      problems: [],
      alternatives: [],
      reasons,
    })
    expect(on.exitCode()).toBe(0)
  })

  it('in words, and fails where the model does not fit', async () => {
    const on = await run(['plan', '-m', MODEL, '--max-memory', '100kB'])
    expect(on.exitCode()).toBe(1)
    for (const name of ['model', 'gpu', 'weights', 'context', 'cache', 'workspace', 'total', 'why', 'instead']) {
      expect(on.out()).toMatch(new RegExp(`^${name} +\\S`, 'm'))
    }
    expect(on.out()).toMatch(/^total .*, does not fit$/m)
    expect(on.out()).toMatch(/^too large +the model: [\d.]+ [KM]iB, --max-memory is 97.7 KiB$/m)
    expect((await run(['plan', MODEL, '-c', '100'])).out()).toMatch(
      /^context +100 tokens, of 256 trained; 256 would fit$/m,
    )
  })

  it('in a window breaks its lines at words, under what they are about', async () => {
    // A path is one word, which is never broken: the project may lie in a folder of any length.
    const near = relative(process.cwd(), MODEL)
    const on = await run(['plan', `./${near}`, '--max-memory', '100kB'], { isTTY: true, columns: 80 })
    const lines = on.out().trimEnd().split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines.filter((line) => line.startsWith(' '.repeat(17))).length).toBeGreaterThan(0)
    expect(lines.every((line) => /^(?: {17}|[a-z ]{16} )\S/.test(line))).toBe(true)
  })

  it('refuses two models, and options of loading as other commands do', async () => {
    const twice = await run(['plan', MODEL, '-m', MODEL])
    expect([twice.exitCode(), twice.err()]).toEqual([2, 'error: the model is named twice: with --model and without\n'])
    const long = await run(['plan', MODEL, '-c', '257'])
    expect(long.err()).toBe('error: option --context-length (257): must be an integer from 1 to 256\n')
  })
})

it('--verbose says it before the weights, on standard error', { timeout: patience(240_000) }, async () => {
  const args = ['generate', '-m', MODEL, '--raw', '--no-sample', '-n', '2', '--verbose', 'a']
  const result = await runCommand(args)
  expect(result).toMatchObject({ code: 0, hung: false })
  expect(result.stderr).toMatch(/^total +[\d.]+ [KM]iB, fits$/m)
  expect(result.stdout).not.toContain('total')
  const without = await runCommand(args.filter((word) => word !== '--verbose'))
  expect(without.stdout).toBe(result.stdout)
  expect(without.stderr).not.toMatch(/^total /m)
})

it('a load that does not fit names the flags', { timeout: patience(240_000) }, async () => {
  const result = await runCommand(['generate', '-m', MODEL, '--max-memory', '300kB', 'a'])
  expect(result).toMatchObject({ code: 1, hung: false })
  expect(result.stderr).toMatch(/error: the model needs \d+ bytes, the option --max-memory allows 300000; /)
})
