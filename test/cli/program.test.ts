/** Help, wrong usage with what was meant, and failures. */
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

  it.each([[], ['generate'], ['chat'], ['serve'], ['bench'], ['doctor'], ['perplexity'], ['quantize'], ['plan']])(
    'of %j fits a window of 80',
    async (...words) => {
      const on = await run([...words, '--help'], { columns: 80 })
      for (const line of on.out().split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    },
  )

  it('has colours on a terminal that allows them, and none elsewhere', async () => {
    const esc = '\x1b['
    expect((await run(['--help'])).out()).not.toContain(esc)
    expect((await run(['--help'], { isTTY: true })).out()).toContain(esc)
    expect((await run(['--help'], { isTTY: true, env: { NO_COLOR: '1' } })).out()).not.toContain(esc)
  })
})

describe('the command help', () => {
  it('prints what --help does', async () => {
    expect((await run(['help'])).out()).toBe((await run(['--help'])).out())
    const on = await run(['help', 'chat'])
    expect(on.out()).toBe((await run(['chat', '--help'])).out())
    expect(on.exitCode()).toBe(0)
  })

  it('lists what there is for a name that it does not know', async () => {
    const on = await run(['help', 'generat'])
    expect(on.err()).toContain((await run(['--help'])).out())
    expect(on.exitCode()).toBe(2)
  })
})

it('--version prints that of the package', async () => {
  expect((await run(['--version'])).out()).toBe(`${pkg.version}\n`)
})

describe('wrong usage ends with 2 and says what was meant', () => {
  it.each([
    [[], /Usage:/],
    [['generat'], /unknown command 'generat'\nDid you mean generate\?\n/],
    [['run', '-m', 'x'], /Did you mean chat\?/],
    [['Why is the sky blue?'], /To have a text answered: mistral-webgpu generate "Why is the sky blue\?"/],
    [['-m', 'x'], /It belongs behind a command, as in: mistral-webgpu generate -m \.\.\./],
    [['generate', '-p', 'x', 'y'], /^error: the prompt is there twice: as --prompt and as "y"\n$/],
    [['generate', '-p', 'x', '--weights', 'q5'], /Allowed choices are native, q8, q4/],
    [['generate', '-p', 'x', '--top-p', '2'], /^error: option --top-p \(2\): must be a number from 0 to 1\n$/],
    [['generate', '-p', 'x', '--max_tokens', '0'], /^error: option --max-tokens \(0\): /],
    [['generate', '-p', 'x', '--n', '2'], /^error: several answers \(n\) need --json/],
    [['generate', '-p', 'x', '--logprobs', 'true'], /^error: logprobs need --json/],
    [['generate', '-p', 'x', '--raw', '--system', 'y'], /^error: --system needs the chat template.*\n$/],
    [['chat', '--context', '0'], /^error: option --context-length "0" must be an integer of at least 1\n$/],
    [['chat', '--n', '2'], /^error: n: a conversation goes on from one answer\n$/],
    [['chat', 'hello'], /too many arguments for 'chat'.*\n.*"generate TEXT" answers one/],
  ])('%j', async (argv, message) => {
    const on = await run(argv)
    expect(on.err()).toMatch(message)
    expect(on.out()).toBe('')
    expect(on.exitCode()).toBe(2)
  })

  it('asks for a prompt where nobody writes one', async () => {
    const on = await run(['generate'], { isTTY: true })
    expect(on.err()).toMatch(/^error: there is no prompt; write it behind the command, as in: generate "Why/)
    const piped = await run(['generate'], { input: '\n' })
    expect(piped.err()).toBe('error: the prompt is empty: standard input holds no text\n')
    expect([on.exitCode(), piped.exitCode()]).toEqual([2, 2])
  })
})

describe('an option that does not exist gets the one that was meant', () => {
  it.each([
    ['generate', '--top-pp', 'Did you mean --top-p?'],
    ['generate', '--topk', 'Did you mean --top-k?'],
    ['generate', '--ctx-size', 'Did you mean --context-length?'],
    ['generate', '--ctx_size=512', 'Did you mean --context-length?'],
    ['chat', '--n-ctx', 'Did you mean --context-length?'],
    ['bench', '--ctx-size', 'Did you mean --contexts?'],
    ['generate', '--n-predict', 'Did you mean --max-tokens?'],
    ['generate', '--max-tokenz', 'Did you mean --max-tokens?'],
    ['generate', '--max-new-token', 'Did you mean --max-new-tokens?'],
    ['chat', '--random-sed', 'Did you mean --random-seed?'],
    ['generate', '--logit_bais', 'Did you mean --logit-bias?'],
    ['generate', '--repeat-penalty', 'Did you mean --repetition-penalty?'],
    ['generate', '--repeat_penalty', 'Did you mean --repetition-penalty?'],
    ['chat', '--system-prompt', 'Did you mean --system?'],
    ['chat', '--prompt', undefined],
    ['generate', '--greedy', 'Did you mean --no-sample?'],
    ['generate', '--hf-repo', 'Did you mean --model?'],
    ['chat', '--load-in-4bit', 'Did you mean --weights?'],
    ['chat', '--cache-type-k', 'Did you mean --kv-cache?'],
    ['serve', '--parallel', 'Did you mean --max-sequences?'],
    ['serve', '--listen', 'Did you mean --host?'],
    ['chat', '--n-gpu-layers', 'Leave it out: the whole model always runs on the GPU that "doctor" shows.'],
    ['chat', '--threads', 'Leave it out: the GPU computes'],
    ['chat', '-i', 'Leave it out: the command "chat" is a conversation.'],
    ['chat', '--quux', undefined],
  ])('%s %s: %s', async (command, flag, advice) => {
    const on = await run([command, flag, '1'])
    expect(on.err()).toContain(`error: unknown option '${flag}'\n${advice ?? `("mistral-webgpu ${command} --help"`}`)
    expect(on.err()).toContain(`("mistral-webgpu ${command} --help" lists what there is)\n`)
    expect(on.exitCode()).toBe(2)
  })

  it('also where several letters behind one dash were read as something else', async () => {
    const on = await run(['generate', '-p', 'x', '-ngl', '99'])
    expect(on.err()).toMatch(/^error: .*\nThere is no -ngl\. Leave it out: the whole model always runs on the GPU/)
    const system = await run(['generate', '-p', 'x', '-sys', 'Be brief.'])
    expect(system.err()).toMatch(/There is no -sys\. Did you mean --system\?\n/)
    const chat = await run(['chat', '-ngl', '99'])
    expect(chat.err()).toMatch(/There is no -ngl\. Leave it out/)
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
