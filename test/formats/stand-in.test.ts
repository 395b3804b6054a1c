/** What servers, Git LFS and broken downloads leave in a file's place, for each file that a model is opened from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { refusal } from './helpers.ts'

const HTML = '<!DOCTYPE html>\n<html lang="en"><head><title>app</title></head><body><div id="app"></div></body></html>'
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a1'.repeat(32)}\nsize 14483498224\n`
const NAMES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer.model.v3',
  'tokenizer_config.json',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'model.safetensors',
  'model.safetensors.index.json',
  'model-00001-of-00002.safetensors',
  'model.gguf',
  'tekken.json',
  'params.json',
]

interface Answer {
  readonly body: string | Uint8Array
  readonly type?: string
  readonly status?: number
  readonly location?: string
}

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => server?.close(resolve))
})

/** A server that gives one answer to every path but those of `files`. */
async function serve(answer: Answer, files: Record<string, Answer> = {}): Promise<string> {
  server = createServer((request, response) => {
    const { body, type, status = 200, location } = files[request.url!.split('/').at(-1)!] ?? answer
    if (type !== undefined) response.setHeader('content-type', type)
    if (location !== undefined) response.setHeader('location', location)
    response.writeHead(status).end(body)
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/m/`
}

/** Whether the file counts as there: its text, undefined when it does not. */
async function opened(source: ModelSource, name: string): Promise<string | undefined> {
  const files = await openSource(source)
  try {
    const reader = await files.open(name)
    return reader === undefined ? undefined : new TextDecoder().decode(await reader.read(0, reader.size))
  } finally {
    await files.close()
  }
}

const STRAYS: readonly (readonly [what: string, Answer, fact: RegExp])[] = [
  [
    'a page',
    { body: HTML, type: 'text/html; charset=utf-8' },
    /^the server sent a web page .*status 200, text\/html\)/,
  ],
  ['a page without a type', { body: HTML }, /a web page/],
  ['a page of the wrong type', { body: HTML, type: 'application/octet-stream' }, /a web page/],
  ['a page behind a comment', { body: `<!-- made by x -->\n\n${HTML}`, type: 'text/html' }, /a web page/],
  ['a page of nginx', { body: '<html>\r\n<head><title>404</title></head></html>', type: 'text/html' }, /a web page/],
  ['a page of XHTML', { body: `<?xml version="1.0"?>${HTML}`, type: 'application/xhtml+xml' }, /a web page/],
  ['a fragment', { body: '<h1>Not Found</h1>', type: 'text/html' }, /a web page/],
  ['an empty page', { body: '', type: 'text/html' }, /an empty page/],
  ['a word', { body: 'Not Found', type: 'text/plain; charset=utf-8' }, /the text "Not Found"/],
  ['an error', { body: '{"error":"no such file"}', type: 'application/json' }, /an error in JSON: .*no such file/],
  ['an error object', { body: '{"error": {"code": 404, "message": "x"}}' }, /an error in JSON/],
  ['a message', { body: '{"message":"Not Found","statusCode":404}' }, /an error in JSON/],
  ['a detail', { body: '{"detail":"Not Found"}', type: 'application/json' }, /an error in JSON/],
  [
    "S3's error",
    { body: '<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code><Message>The key…</Message></Error>' },
    /an error in XML: "NoSuchKey"/,
  ],
]

describe.each(STRAYS)('%s that comes with 200', (_, answer, fact) => {
  // Of JSON and XML a binary file cannot be told from garbage: its own parser says what is wrong.
  const names = NAMES.filter((name) => !/tokenizer\.model/.test(name) || !String(answer.body).startsWith('{'))

  it.each(names)('is no %s', async (name) => {
    const url = await serve(answer)
    const files = await openSource(url)
    expect(await files.open(name)).toBeUndefined()
    expect(files.whyAbsent?.(name)).toMatch(fact)
    expect(files.whyAbsent?.(name)).toContain(`${url}${name}`)
  })

  it('is named when a model is loaded', async () => {
    const files = await openSource(await serve(answer))
    const error = await refusal(() => openCheckpoint(files))
    expect(error.file).toBe('config.json')
    expect(error.fact).toMatch(fact)
  })
})

describe('a web page in place of a file', () => {
  it('is no chat template: the next place is looked into', async () => {
    const template = '{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}'
    const config = { body: JSON.stringify({ chat_template: template }), type: 'application/json' }
    const url = await serve({ body: HTML, type: 'text/html' }, { 'tokenizer_config.json': config })
    const found = await ChatTemplate.fromSourceFiles(await openSource(url))
    expect(found?.origin).toBe('checkpoint')
    const none = await serve({ body: HTML, type: 'text/html' })
    expect(await ChatTemplate.fromSourceFiles(await openSource(none))).toBeUndefined()
  })

  it('is reported with its address where a named file or a shard must be', async () => {
    const url = await serve({ body: HTML, type: 'text/html' })
    const gguf = await openSource(`${url}x.gguf?token=secret`)
    const error = await refusal(() => openCheckpoint(gguf))
    expect(error.message).toBe(
      `x.gguf: the server sent a web page in place of the file (${url}x.gguf: status 200, text/html)`,
    )
  })

  it('after a redirect is taken for a login', async () => {
    const url = await serve(
      { body: '', status: 302, location: '/login?next=x' },
      { 'login?next=x': { body: HTML, type: 'text/html' } },
    )
    const error = await refusal(async () => openCheckpoint(await openSource(url)))
    expect(error.fact).toMatch(/a web page .*, after a redirect to http.*\/login: is a login needed\?\)/)
  })

  it('at an address of the Hub that shows files gets the address that gives them', async () => {
    const url = (await serve({ body: HTML, type: 'text/html' })).replace(/m\/$/, 'a/b/blob/main/x.gguf')
    const error = await refusal(async () => openCheckpoint(await openSource(url)))
    expect(error.fact).toMatch(/a file itself is at \/resolve\/ in place of \/blob\//)
  })

  it('comes from an opener that fetches, too', async () => {
    const open = () => new Blob([HTML], { type: 'text/html' })
    const files = await openSource({ open })
    expect(await files.open('chat_template.jinja')).toBeUndefined()
    expect(files.whyAbsent?.('config.json')).toMatch(/^the server sent a web page/)
  })
})

describe('chat templates that look like markup', () => {
  const body = '{% for m in messages %}{{ m.content }}{% endfor %}'
  const templates: readonly (readonly [string, string | undefined])[] = [
    [`<s>${body}`, undefined],
    [`<s>${body}`, 'text/html'],
    [`<|im_start|>${body}`, 'text/html'],
    [`<!-- a note -->${body}`, 'text/plain'],
    [`<system>Not Found</system>${body}`, 'text/plain'],
    [`<html>${body}</html>`, undefined],
    [`<html>${body}</html>`, 'application/octet-stream'],
    [`<?xml version="1.0"?><prompt>${body}</prompt>`, 'application/xml'],
    ['{{ {"error": "x"} }}', 'application/json'],
    [body, 'text/html'],
  ]
  it.each(templates)('%s as %s', async (template, type) => {
    const url = await serve(
      { body: HTML, type: 'text/html' },
      { 'chat_template.jinja': { body: template, type: type! } },
    )
    expect(await opened(url, 'chat_template.jinja')).toBe(template)
    expect(await opened([new File([template], 'chat_template.jinja')], 'chat_template.jinja')).toBe(template)
  })

  it('are told from pages by the type, where both begin alike', async () => {
    const url = await serve({ body: `<html>${body}</html>`, type: 'text/html' })
    expect(await opened(url, 'chat_template.jinja')).toBeUndefined()
  })
})

describe('JSON that is no error', () => {
  it.each([
    ['null', 'application/json'],
    ['{}', 'application/json'],
    ['[]', 'application/json'],
    ['"not found"', 'application/json'],
    ['{"ok": false}', undefined],
    ['no such thing', 'application/problem+json'],
  ])('%s of the type %s is no chat template', async (body, type) => {
    const url = await serve({ body, type: type! })
    const files = await openSource(url)
    expect(await files.open('chat_template.jinja')).toBeUndefined()
    expect(files.whyAbsent?.('chat_template.jinja')).toContain(`the text ${JSON.stringify(body)}`)
    expect(await ChatTemplate.fromSourceFiles(files)).toBeUndefined()
  })

  it.each(['null', '[]', '"not found"', 'nothing here'])('%s is no JSON file of a checkpoint', async (body) => {
    const files = await openSource(await serve({ body, type: 'application/json' }))
    for (const name of NAMES.filter((name) => name.endsWith('.json'))) expect(await files.open(name)).toBeUndefined()
    expect((await refusal(() => openCheckpoint(files))).fact).toMatch(/^the server sent the text /)
  })

  it('is no weights', async () => {
    const files = await openSource(await serve({ body: '{}', type: 'application/json' }))
    expect(await files.open('model.safetensors')).toBeUndefined()
    expect(await files.open('pytorch_model.bin')).toBeUndefined()
  })
})

it('Bytes that are no text are no chat template', async () => {
  const bytes = new Uint8Array([0, 1, 2, 3])
  const source = { open: (name: string) => (name === 'chat_template.jinja' ? bytes : undefined) }
  expect((await refusal(() => opened(source, 'chat_template.jinja'))).fact).toMatch(/is not text/)
})

describe('JSON that looks like an error', () => {
  it.each([
    ['added_tokens.json', '{"error": 32000, "message": 32001}'],
    ['generation_config.json', '{}'],
    ['config.json', '{"message": "hi", "hidden_size": 8}'],
  ])('%s %s is a file', async (name, body) => {
    expect(await opened(await serve({ body, type: 'application/json' }), name)).toBe(body)
  })
})

describe('a file that is there and holds something else', () => {
  const CASES: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, RegExp])[] = [
    ['a Git LFS pointer', POINTER, /^this is a Git LFS pointer to 14483498224 bytes, not the file itself/],
    ['nothing', '', /^is empty \(0 bytes\)/],
    ['gzip', new Uint8Array(gzipSync('{"a": 1}')), /compressed with gzip/],
    ['a zip archive', 'PK\x03\x04xxxxxxxxxxxx', /is a zip archive/],
  ]
  describe.each(CASES)('%s', (_, body, fact) => {
    it.each(NAMES)('as %s', async (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'stand-in-'))
      try {
        if (name !== 'config.json') writeFileSync(join(folder, 'config.json'), '{}')
        writeFileSync(join(folder, 'model-00002-of-00002.safetensors'), 'x')
        writeFileSync(join(folder, name), body)
        const dropped = [new File([body], name), new File(['x'], 'y.safetensors')]
        for (const source of [folder, dropped, { open: (asked: string) => (asked === name ? body : undefined) }]) {
          expect((await refusal(() => opened(source, name))).fact).toMatch(fact)
        }
      } finally {
        rmSync(folder, { recursive: true })
      }
      expect((await refusal(async () => opened(await serve({ body }), name))).fact).toMatch(fact)
    })
  })

  it('says how to get the file behind a pointer', async () => {
    const disk = await refusal(() => opened([new File([POINTER], 'x.gguf')], 'x.gguf'))
    expect(disk.fact).toMatch(/run "git lfs pull" in its repository, or download the file$/)
    const url = (await serve({ body: POINTER, type: 'text/plain' })).replace(/m\/$/, 'a/b/raw/main/x.gguf')
    expect((await refusal(() => opened(url, 'x.gguf'))).fact).toMatch(/; ask for \/resolve\/ in place of \/raw\/$/)
  })

  it('names a web page or an error that was saved under a file’s name', async () => {
    const page = await refusal(() => opened([new File([HTML], 'tokenizer.json')], 'tokenizer.json'))
    expect(page.message).toBe('tokenizer.json: is a web page, not the file that its name says; download it again')
    const error = await refusal(() => opened([new File(['{"error":"Repository not found"}'], 'x.json')], 'x.json'))
    expect(error.fact).toMatch(/^is an error in JSON: .*Repository not found/)
  })

  it('asks for Content-Encoding where a server forgot it', async () => {
    const url = await serve({ body: gzipSync('{"a": 1}'), type: 'application/json' })
    expect((await refusal(() => opened(url, 'config.json'))).fact).toMatch(/or say Content-Encoding: gzip$/)
  })
})
