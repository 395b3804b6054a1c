/** Asks which of several models of a repository is meant, where a person can answer. */

import { bytes } from '../errors/units.ts'
import { AbortError, ChoiceError } from '../errors.ts'
import { hubParts } from '../formats/hub/name.ts'
import { type Cli, inWindow } from './context.ts'

/** Calls `use` with the name; when that names several models, and a person types, once more with the one that was picked. */
export async function chosenModel<T>(cli: Cli, name: string, use: (name: string) => Promise<T>): Promise<T> {
  const { inputIsTTY, err } = cli.terminal
  try {
    return await use(name)
  } catch (error) {
    if (!(error instanceof ChoiceError) || error.choices.length === 0 || !inputIsTTY || !err.isTTY) throw error
    const picked = await ask(cli, error)
    if (picked === undefined) throw error
    return use(withPick(name, picked))
  }
}

/** The name of the same model with another pick, however it was written. */
function withPick(name: string, pick: string): string {
  const parts = hubParts(name.replace(/^https?:\/\/[^/]+\//i, 'hf.co/'))
  if (parts === undefined) return `${name}:${pick}`
  return `hf:${parts.repository}${parts.revision === undefined ? '' : `@${parts.revision}`}:${pick}`
}

async function ask(cli: Cli, { file, choices }: ChoiceError): Promise<string | undefined> {
  const lines = choices.map(({ name, bytes: size }, i) => `${String(i + 1).padStart(3)}  ${name} (${bytes(size)})`)
  await cli.terminal.err.write(`${inWindow(cli, 'err', `${file} holds several models:`)}\n${lines.join('\n')}\n`)
  const answer = await cli.terminal.ask('Which one? ')
  if (answer.kind === 'interrupt') throw new AbortError('interrupted')
  const text = answer.kind === 'line' ? answer.text.trim() : ''
  return choices[Number(text) - 1]?.name ?? choices.find(({ name }) => name === text)?.name
}
