/** Where the prompt of one answer comes from: words on the command line, standard input, or both. */
import type { InputText } from '../platform/terminal-input.ts'
import { type Cli, note, UsageError } from './context.ts'

/** A person wonders after this time why nothing happens. */
const NOTE_AFTER_MS = 2000

/**
 * The prompt's text. `-` stands for standard input, and so does no text at all. Text and standard input together are
 * joined: the text first, a blank line between.
 *
 * @returns what gives the prompt. Input beside a text is read while the model loads; when nobody gave that input on
 *   purpose, and nothing has come from it by the time that the prompt is asked for, it is taken for none
 * @throws UsageError when there is no prompt, an empty one, or two
 */
export async function readPrompt(
  cli: Cli,
  option: string | undefined,
  words: readonly string[],
): Promise<() => Promise<string>> {
  const { terminal } = cli
  const text = promptText(option, words)
  if (text === undefined || text === '-') {
    const piped = await pipedPrompt(cli, text)
    return async () => piped
  }
  if (terminal.inputIsTTY) return async () => text
  const input = terminal.startInput()
  return async () => {
    if (!terminal.inputIsGiven && !input.hasArrived) {
      input.letGo()
      return text
    }
    const piped = withoutLastBreak(await withNote(cli, input))
    return piped.trim() === '' ? text : `${text}\n\n${piped}`
  }
}

/** The whole of standard input. */
async function pipedPrompt(cli: Cli, text: '-' | undefined): Promise<string> {
  const { terminal } = cli
  if (terminal.inputIsTTY && text === undefined) {
    throw new UsageError(
      'there is no prompt; write it behind the command, as in: generate "Why is the sky blue?", or pipe it in',
    )
  }
  if (terminal.inputIsTTY) await note(cli, 'reading the prompt from the keyboard; Ctrl-D ends it')
  const piped = withoutLastBreak(await withNote(cli, terminal.startInput()))
  if (piped === '') throw new UsageError('the prompt is empty: standard input holds no text')
  return piped
}

function promptText(option: string | undefined, words: readonly string[]): string | undefined {
  if (option !== undefined && words.length > 0) {
    throw new UsageError(`the prompt is there twice: as --prompt and as ${JSON.stringify(words.join(' '))}`)
  }
  return option ?? (words.length > 0 ? words.join(' ') : undefined)
}

/** Leaves out the last line break of a piped prompt: `echo` adds it, and no one means it. */
function withoutLastBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/** Says what is waited for when the input takes its time. */
async function withNote(cli: Cli, input: InputText): Promise<string> {
  const timer = setTimeout(() => {
    if (!input.hasArrived && !cli.terminal.inputIsTTY) {
      void note(cli, 'waiting for standard input; "< /dev/null" says that there is none')
    }
  }, NOTE_AFTER_MS)
  try {
    return await input.text
  } finally {
    clearTimeout(timer)
  }
}
