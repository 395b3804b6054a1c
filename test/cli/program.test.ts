import { describe, expect, it } from 'vitest'
import pkg from '../../package.json' with { type: 'json' }
import { runCli } from '../../src/cli/run.ts'
import { type Stage, type StageOptions, stage } from './stage.ts'

async function run(argv: readonly string[], options: StageOptions = {}): Promise<Stage> {
  const on = stage({ argv, ...options })
  await runCli(on.cli.terminal)
  return on
}

describe('help', () => {
  it('lists the commands, teaches by example, and goes to standard output', async () => {
    const on = await run(['--help'])
    for (const word of ['generate', 'chat', 'doctor', 'Examples:', 'Exit codes:']) expect(on.out()).toContain(word)
    expect(on.err()).toBe('')
    expect(on.exitCode()).toBe(0)
  })

  it.each(['generate', 'chat'])('of %s groups its options and ends in examples', async (command) => {
    const on = await run([command, '--help'])
    for (const title of ['Model:', 'Answer:', 'Examples:']) expect(on.out()).toContain(`\n${title}\n`)
    for (const flag of ['--top-p', '--no-sample', '--weights', '--seed']) expect(on.out()).toContain(flag)
  })

  it('fits the window', async () => {
    const on = await run(['generate', '--help'])
    expect(
      Math.max(
        ...on
          .out()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100)
  })

  it('has colours on a terminal that allows them, and none elsewhere', async () => {
    const esc = '\x1b['
    expect((await run(['--help'])).out()).not.toContain(esc)
    expect((await run(['--help'], { isTTY: true })).out()).toContain(esc)
    expect((await run(['--help'], { isTTY: true, env: { NO_COLOR: '1' } })).out()).not.toContain(esc)
  })
})

it('--version prints that of the package', async () => {
  expect((await run(['--version'])).out()).toBe(`${pkg.version}\n`)
})

describe('wrong usage ends with 2 and one line that says what', () => {
  it.each([
    [[], /Usage:/],
    [['generat'], /Did you mean generate\?/],
    [['generate'], /required option '-p, --prompt <text>'/],
    [['generate', '-p', 'x', '--top-pp', '1'], /Did you mean --top-p\?/],
    [['generate', '-p', 'x', 'y'], /too many arguments/],
    [['generate', '-p', 'x', '--weights', 'q5'], /Allowed choices are native, q8, q4/],
    [['generate', '-p', 'x', '--top-p', '2'], /^error: parameter "top_p" \(2\): must be a number from 0 to 1\n$/],
    [['generate', '-p', 'x', '--raw', '--system', 'y'], /^error: --system needs the chat template.*\n$/],
    [['chat', '--context', '0'], /^error: option --context "0" must be an integer of at least 1\n$/],
  ])('%j', async (argv, message) => {
    const on = await run(argv)
    expect(on.err()).toMatch(message)
    expect(on.out()).toBe('')
    expect(on.exitCode()).toBe(2)
  })
})

describe('failures end with 1', () => {
  it('a model that is not there', async () => {
    const on = await run(['generate', '-p', 'x', '-m', '/nowhere'])
    expect(on.err()).toBe('error: /nowhere: there is no such file or folder\n')
    expect(on.exitCode()).toBe(1)
  })

  it('a damaged model, named with its file', async () => {
    const on = await run(['generate', '-p', 'x', '-m', 'test/fixtures/formats'])
    expect(on.err()).toMatch(/^error: .*\n$/)
    expect(on.exitCode()).toBe(1)
  })

  it('DEBUG shows where', async () => {
    const on = await run(['generate', '-p', 'x', '-m', '/nowhere'], { env: { DEBUG: '1' } })
    expect(on.err()).toMatch(/\n {4}at /)
  })
})
