/** The chat template as an option of the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { loadChat } from '../../src/cli/load.ts'
import { addModelOptions, modelOptions } from '../../src/cli/options.ts'
import { CheckpointError, ParameterError } from '../../src/errors.ts'
import { patience } from '../support/patience.ts'
import { stage } from './stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'template-'))
afterAll(() => rmSync(folder, { recursive: true }))

function load(...args: string[]) {
  const values = addModelOptions(new Command()).parse(args, { from: 'user' }).opts()
  return loadChat(stage().cli, modelOptions(values), new AbortController().signal)
}

describe('the template of a chat', () => {
  it('comes from a file', { timeout: patience(60_000) }, async () => {
    const file = join(folder, 'echo.jinja')
    writeFileSync(file, '{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}')
    const chat = await load('--chat-template', file)
    const ids = chat.encode({ messages: [{ role: 'user', content: 'The mistral' }] })
    // Templates write everything: no space is put before the first word.
    expect(chat.decode(ids)).toBe('The mistral')
    expect(ids[0]).toBe(chat.tokenizer.bosId)
    chat.dispose()
  })

  it('is a version of the format, with neighbours merged or refused', { timeout: patience(60_000) }, async () => {
    const messages = ['a', 'b'].map((content) => ({ role: 'user', content }))
    const chat = await load('--chat-format', 'v1')
    expect(chat.templateOrigin).toBe('built-in')
    expect(chat.encode({ messages }).length).toBeGreaterThan(2)
    chat.dispose()
    const strict = await load('--chat-format', 'v1', '--neighbours', 'refuse')
    expect(() => strict.encode({ messages })).toThrow('messages[1]')
    strict.dispose()
  })

  it('is refused where it cannot be read, or is said twice', async () => {
    await expect(load('--chat-template', join(folder, 'absent.jinja'))).rejects.toThrow(CheckpointError)
    const file = join(folder, 'broken.jinja')
    writeFileSync(file, '{% for %}')
    await expect(load('--chat-template', file)).rejects.toThrow('the chat template does not parse')
    await expect(load('--chat-template', file, '--chat-format', 'v3')).rejects.toThrow(ParameterError)
  })
})
