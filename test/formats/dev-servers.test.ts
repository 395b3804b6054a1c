/** Vite's own servers, which answer every path with the page of the application. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { root } from '../support/child.ts'
import { refusal } from './helpers.ts'

const PAGE = '<!doctype html><html><head></head><body><div id="app">{{ not a template }}</div></body></html>'
const TEMPLATE = '<s>{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}'
const MESSAGES = [{ role: 'user', content: 'Which wind blows in Provence?' }]
/** Everything that the loaders may ask for and that is not there. */
const ABSENT = ['chat_template.jinja', 'chat_template.json', 'tokenizer.model', 'added_tokens.json', 'model.gguf']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dev-servers-'))
  for (const site of ['public', 'dist']) {
    for (const model of ['pocket', 'templated']) cpSync(join(root, 'models/pocket'), join(folder, site, model), COPY)
    writeFileSync(join(folder, site, 'templated', 'chat_template.jinja'), TEMPLATE)
    mkdirSync(join(folder, site, 'empty'))
  }
  for (const page of ['index.html', 'dist/index.html']) writeFileSync(join(folder, page), PAGE)
})
afterAll(() => rmSync(folder, { recursive: true }))
const COPY = { recursive: true, filter: (path: string) => !path.includes('training') }

/** The ids of a question, and what was read of the checkpoint, both without a GPU. */
async function read(source: ModelSource) {
  const files = await openSource(source)
  try {
    const { config, names } = await openCheckpoint(files)
    const tokenizer = (await Tokenizer.fromSourceFiles(files))!
    const template = (await ChatTemplate.fromSourceFiles(files)) ?? (await ChatTemplate.builtIn())
    return { config, names, ids: template.encode(MESSAGES, tokenizer), origin: template.origin }
  } finally {
    await files.close()
  }
}

const SERVERS = {
  async dev() {
    const server = await createServer({ root: folder, configFile: false, logLevel: 'silent', server: { port: 0 } })
    await server.listen()
    return { url: server.resolvedUrls!.local[0]!, close: () => server.close() }
  },
  async preview() {
    const server = await preview({ root: folder, configFile: false, logLevel: 'silent', preview: { port: 0 } })
    return { url: server.resolvedUrls!.local[0]!, close: () => server.close() }
  },
}

describe.each(['dev', 'preview'] as const)('vite %s', (kind) => {
  let server: Awaited<ReturnType<(typeof SERVERS)['dev']>>
  beforeAll(async () => {
    server = await SERVERS[kind]()
  })
  afterAll(() => server?.close())

  it('answers 200 with its page for files that are not there', async () => {
    for (const name of ABSENT) {
      const response = await fetch(`${server.url}pocket/${name}`)
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('not a template')])
    }
  })

  it('gives the model that lies on the disk', async () => {
    const disk = await read(join(folder, 'public/pocket'))
    expect(await read(`${server.url}pocket`)).toEqual(disk)
    expect(await read(`${server.url}pocket/`)).toEqual(disk)
    const files = await openSource(`${server.url}pocket/`)
    for (const name of ABSENT) expect(await files.open(name), name).toBeUndefined()
  })

  it('gives a template of its own file, which begins with a tag', async () => {
    const served = await read(`${server.url}templated/`)
    expect(served).toEqual(await read(join(folder, 'public/templated')))
    expect(served.ids).not.toEqual((await read(`${server.url}pocket/`)).ids)
  })

  it('is named where a model must be, and is none', async () => {
    const folderError = await refusal(async () => openCheckpoint(await openSource(`${server.url}empty/`)))
    expect(folderError.message).toContain(`config.json: the server sent a web page in place of the file (${server.url}`)
    const fileError = await refusal(async () => openCheckpoint(await openSource(`${server.url}pocket/x.gguf`)))
    expect(fileError.message).toMatch(/^x\.gguf: the server sent a web page .*status 20[06], text\/html\)$/)
  })
})
