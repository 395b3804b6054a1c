/** The one folder inside a checkpoint that is looked into: templates beside the main one. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { FileOpener } from '../../src/formats/file-opener.ts'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import type { Tool } from '../../src/tokenizer/chat-messages.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixtureBytes } from '../tokenizer/support.ts'
import { folder, handleOf, picked, put } from './folders.ts'
import { refusal } from './helpers.ts'

const tokenizer = await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))
const tools: Tool[] = [{ type: 'function', function: { name: 'f' } }]

/** What requests without and with tools give. */
async function rendered(source: ModelSource): Promise<string[]> {
  const files = await openSource(source)
  try {
    const template = await ChatTemplate.fromSourceFiles(files)
    return [undefined, tools].map((some) =>
      template!.render([{ role: 'user', content: 'x' }], tokenizer, { tools: some }),
    )
  } finally {
    await files.close()
  }
}

async function served(path: string, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const file = join(path, decodeURIComponent(new URL(request.url!, 'http://x').pathname))
    if (existsSync(file) && statSync(file).isFile()) response.end(readFileSync(file))
    else response.writeHead(404).end()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.close()
  }
}

it('is found from every kind of source', async () => {
  put(
    ['m/config.json', '{}'],
    ['m/chat_template.jinja', 'main'],
    ['m/additional_chat_templates/tool_use.jinja', 'with tools'],
    ['m/additional_chat_templates/rag.jinja', '{% not Jinja'],
  )
  const path = join(folder, 'm')
  const opener: FileOpener = {
    open: (name) => (existsSync(join(path, name)) ? readFileSync(join(path, name)) : undefined),
  }
  for (const source of [path, picked(path), handleOf(path), opener]) {
    expect(await rendered(source)).toEqual(['main', 'with tools'])
  }
  await served(path, async (url) => expect(await rendered(url)).toEqual(['main', 'with tools']))
})

it('is missed by no source that lacks it', async () => {
  put(['m/config.json', '{}'], ['m/chat_template.jinja', 'main'])
  const path = join(folder, 'm')
  const opener: FileOpener = { open: (name) => (name === 'chat_template.jinja' ? 'main' : undefined) }
  for (const source of [path, picked(path), handleOf(path), opener]) {
    expect(await rendered(source)).toEqual(['main', 'main'])
  }
  await served(path, async (url) => expect(await rendered(url)).toEqual(['main', 'main']))
})

it('is the only one, and leads nowhere else', async () => {
  put(['m/config.json', '{}'], ['m/other/x.jinja', 'x'], ['x.jinja', 'x'])
  const files = await openSource(join(folder, 'm'))
  const names = [
    'other/x.jinja',
    '../x.jinja',
    'additional_chat_templates/../config.json',
    'additional_chat_templates/',
  ]
  for (const name of names) expect((await refusal(() => files.open(name))).fact).toMatch(/is not a plain file name/)
  await files.close()
})
