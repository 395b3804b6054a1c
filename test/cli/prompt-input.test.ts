/** Where the prompt of `generate` comes from, in this process and in one of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { UsageError } from '../../src/cli/context.ts'
import { readPrompt } from '../../src/cli/prompt-input.ts'
import { root, runChild } from '../support/child.ts'
import { runCommand, type StageOptions, stage } from './stage.ts'

async function prompt(option: string | undefined, words: readonly string[], options: StageOptions): Promise<string> {
  return (await readPrompt(stage(options).cli, option, words))()
}

describe('the prompt', () => {
  it.each([
    ['words', undefined, ['Why', 'is it?'], { isTTY: true }, 'Why is it?'],
    ['an option', 'Why?', [], { isTTY: true }, 'Why?'],
    ['a pipe', undefined, [], { input: 'Why?\n' }, 'Why?'],
    ['a pipe with several lines', undefined, [], { input: 'a\n\nb\r\n' }, 'a\n\nb'],
    ['a dash', '-', [], { input: 'Why?' }, 'Why?'],
    ['a dash as a word', undefined, ['-'], { input: 'Why?' }, 'Why?'],
    ['a dash and the keyboard', '-', [], { isTTY: true, input: 'Why?\n' }, 'Why?'],
    ['words and a pipe', undefined, ['Summarize:'], { input: 'one\ntwo\n' }, 'Summarize:\n\none\ntwo'],
    ['an option and a pipe', 'Summarize:', [], { input: 'one' }, 'Summarize:\n\none'],
    ['words and a pipe without text', undefined, ['Why?'], { input: '\n' }, 'Why?'],
    ['words and an input that is closed', undefined, ['Why?'], { input: '', inputIsGiven: false }, 'Why?'],
    [
      'words and an input of another program',
      undefined,
      ['Why?'],
      { input: 'one', inputIsGiven: false },
      'Why?\n\none',
    ],
  ] as const)('comes from %s', async (_, option, words, options, text) => {
    const read = await readPrompt(stage(options).cli, option, words)
    await delay(5)
    expect(await read()).toBe(text)
  })

  it('does not wait for an input that another program opened and never wrote to', async () => {
    expect(await prompt(undefined, ['Why?'], { inputIsGiven: false })).toBe('Why?')
    expect(await prompt('Why?', [], { inputIsGiven: false })).toBe('Why?')
  })

  it('waits for a slow pipe, and says so', async () => {
    vi.useFakeTimers()
    try {
      const on = stage({})
      const text = (await readPrompt(on.cli, undefined, ['Sum:']))()
      await vi.advanceTimersByTimeAsync(3000)
      expect(on.err()).toBe('waiting for standard input; "< /dev/null" says that there is none\n')
      on.stdin.end('late')
      await vi.runAllTimersAsync()
      expect(await text).toBe('Sum:\n\nlate')
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['nothing', undefined, [], { isTTY: true }, /there is no prompt/],
    ['an empty pipe', undefined, [], { input: '' }, /standard input holds no text/],
    ['an empty pipe for a dash', '-', [], { input: '\n' }, /standard input holds no text/],
    ['two prompts', 'a', ['b'], { isTTY: true }, /the prompt is there twice: as --prompt and as "b"/],
  ] as const)('is refused from %s', async (_, option, words, options, message) => {
    const error = await prompt(option, words, options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).toMatch(message)
  })
})

describe('generate as first typed', () => {
  const SHORT = ['--no-sample', '-n', '12', '-c', '128']
  const QUESTION = 'What is the mistral?'

  /** What a shell runs; `$CLI` is the program. */
  function inShell(script: string) {
    const cli = `"${process.execPath}" --conditions=mistral-webgpu-source --import tsx "${join(root, 'src/cli/main.ts')}"`
    return runChild('sh', ['-c', script.replaceAll('$CLI', cli)], { timeoutMs: 120_000 })
  }

  it('answers the same from a pipe, from words, from an option, and from both', async () => {
    const runs = [
      await runCommand(['generate', ...SHORT, '-p', QUESTION], { inputStaysOpen: true }),
      await runCommand(['generate', QUESTION, ...SHORT], { inputStaysOpen: true }),
      await runCommand(['generate', ...SHORT, ...QUESTION.split(' ')]),
      await runCommand(['generate', ...SHORT], { input: `${QUESTION}\n` }),
    ]
    for (const result of runs) {
      expect(result).toMatchObject({ code: 0, hung: false, stdout: runs[0]!.stdout })
      expect(result.stdout).toMatch(/^The mistral is .*\n$/)
    }
  })

  it('takes a template from a file, or one of Mistral’s formats', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'template-'))
    try {
      const file = join(folder, 'own.jinja')
      writeFileSync(file, '{{ messages[0].content }}')
      const ids = async (...args: string[]) => {
        const result = await runCommand(['generate', ...SHORT, '-n', '1', '--json', 'Hello', ...args])
        expect(result.code, result.stderr).toBe(0)
        return (JSON.parse(result.stdout) as { prompt_token_ids: number[] }).prompt_token_ids
      }
      const [own, plain, format] = [
        await ids('--chat-template', file),
        await ids('--raw'),
        await ids('--chat-format', 'v1'),
      ]
      expect(own).toEqual(plain.slice(-own.length))
      expect(format.length).toBeGreaterThan(own.length)
      writeFileSync(file, '{% if %}')
      const broken = await runCommand(['generate', 'Hello', '--chat-template', file])
      expect(broken.stderr).toMatch(/^error: the chat template does not parse: .*\n--chat-template FILE takes another/m)
      const absent = await runCommand(['chat', '--chat-template', join(folder, 'none')])
      expect(absent.stderr).toMatch(/^error: \S*none: cannot be opened: ENOENT/m)
      expect([broken.code, absent.code]).toEqual([1, 1])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.skipIf(process.platform === 'win32')(
    'joins words and a pipe of a shell, and takes /dev/null for nothing',
    async () => {
      const ids = async (script: string) => {
        const result = await inShell(script)
        expect(result.code, result.stderr).toBe(0)
        return (JSON.parse(result.stdout) as { prompt_token_ids: number[] }).prompt_token_ids
      }
      const args = '-n 1 -c 128 --json'
      const joined = await ids(`echo "the bora" | $CLI generate "Tell me about:" ${args}`)
      expect(joined).toEqual(await ids(`printf 'Tell me about:\\n\\nthe bora' | $CLI generate ${args}`))
      expect(await ids(`$CLI generate Hello ${args} < /dev/null`)).toEqual(
        await ids(`echo Hello | $CLI generate ${args}`),
      )
    },
  )
})
