/** The kinds of sources open the same files. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AbortError, ParameterError } from '../../src/errors.ts'
import { readJson, readText } from '../../src/formats/byte-reader.ts'
import { isPlainFileName } from '../../src/formats/file-names.ts'
import type { FileOpener } from '../../src/formats/file-opener.ts'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import { refusal, text } from './helpers.ts'

const named = (content: string, name: string, path?: string) => {
  const file = new File([content], name)
  if (path !== undefined) Object.defineProperty(file, 'webkitRelativePath', { value: path })
  return file
}

async function read(source: ModelSource, name: string): Promise<string | undefined> {
  const files = await openSource(source)
  try {
    const reader = await files.open(name)
    return reader === undefined ? undefined : await readText(reader, 1000)
  } finally {
    await files.close()
  }
}

describe('openSource with paths', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'source-'))
    writeFileSync(join(folder, 'config.json'), '{"a":1}')
    writeFileSync(join(folder, 'tiny.gguf'), 'GGUF...')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('opens a folder, by path and by file: URL', async () => {
    expect(await read(folder, 'config.json')).toBe('{"a":1}')
    expect(await read(`${folder}/`, 'config.json')).toBe('{"a":1}')
    expect(await read(pathToFileURL(folder), 'config.json')).toBe('{"a":1}')
    // What is no percent-encoding stands for itself, and a share of another machine is not taken for a file of this one.
    writeFileSync(join(folder, '100%.gguf'), 'GGUF!')
    expect(await read(`file://${folder}/100%.gguf`, '100%.gguf')).toBe('GGUF!')
    rmSync(join(folder, '100%.gguf'))
    expect((await refusal(() => openSource('file://server/share/x.gguf'))).file).toBe('//server/share/x.gguf')
    expect(await read(folder, 'absent.json')).toBeUndefined()
    const files = await openSource(folder)
    expect(files).toMatchObject({ label: folder, fileName: undefined, ggufName: 'tiny.gguf' })
    const reader = await files.open('config.json')
    expect(await files.open('config.json')).toBe(reader)
    expect(Array.from(await reader!.read(2, 3))).toEqual([...text('a":')])
    expect((await refusal(() => reader!.read(5, 3))).fact).toMatch(/ends at byte 7/)
    await files.close()
  })

  it('opens a file and what lies beside it', async () => {
    const files = await openSource(join(folder, 'tiny.gguf'))
    expect(files).toMatchObject({ fileName: 'tiny.gguf', ggufName: 'tiny.gguf' })
    expect(await readText((await files.open('tiny.gguf'))!, 10)).toBe('GGUF...')
    expect((await files.open('config.json'))?.size).toBe(7)
    await files.close()
  })

  it('names a path that leads nowhere', async () => {
    const error = await refusal(() => openSource(join(folder, 'nowhere')))
    expect(error.file).toBe(join(folder, 'nowhere'))
    expect(error.fact).toMatch(/no such file or folder/)
  })

  it('never leaves the folder', async () => {
    const files = await openSource(folder)
    for (const name of ['../config.json', 'a/b', '/etc/passwd', 'a\\b', '..', '.', '', 'c:x', 'http://x', 'a\0b']) {
      expect(isPlainFileName(name)).toBe(false)
      expect((await refusal(() => files.open(name))).fact).toMatch(/not a plain file name/)
    }
    await files.close()
  })
})

describe('openSource with files', () => {
  it('finds dropped files by base name and prefers the outermost', async () => {
    const files = [
      named('inner', 'config.json', 'model/original/config.json'),
      named('outer', 'config.json', 'model/config.json'),
      named('weights', 'model.safetensors', 'model/model.safetensors'),
    ]
    expect(await read(files, 'config.json')).toBe('outer')
    expect(await read([...files].reverse(), 'config.json')).toBe('outer')
    expect((await openSource(files)).names).toEqual(['config.json', 'model.safetensors'])
  })

  it('takes the only GGUF of a drop, beside a config.json too, but not beside safetensors', async () => {
    expect((await openSource([named('x', 'a.gguf')])).ggufName).toBe('a.gguf')
    expect((await openSource([named('x', 'a.GGUF'), named('y', 'readme.md')])).ggufName).toBe('a.GGUF')
    const both = [named('x', 'a.gguf'), named('{}', 'config.json')]
    expect((await openSource(both)).ggufName).toBe('a.gguf')
    expect((await openSource([...both, named('x', 'model.safetensors')])).ggufName).toBeUndefined()
    const two = await openSource([named('x', 'a.gguf'), named('y', 'b.gguf')])
    expect(two).toMatchObject({ ggufName: undefined, names: ['a.gguf', 'b.gguf'] })
  })

  it('takes one File or Blob', async () => {
    expect(await openSource(named('x', 'a.gguf'))).toMatchObject({ ggufName: 'a.gguf', label: 'a.gguf' })
    expect(await read(new Blob(['bytes']), 'model.gguf')).toBe('bytes')
    // A Blob of another realm is no instance of ours, and only its shape tells what it is.
    const inner = new Blob(['bytes'])
    const foreign = { size: 5, type: '', slice: inner.slice.bind(inner), arrayBuffer: inner.arrayBuffer.bind(inner) }
    expect(await read(foreign as unknown as Blob, 'model.gguf')).toBe('bytes')
  })

  it('takes a directory handle', async () => {
    const found: Record<string, File> = { 'm.gguf': named('GGUF', 'm.gguf') }
    const handle = {
      kind: 'directory',
      name: 'picked',
      async *keys() {
        yield* Object.keys(found)
      },
      async getFileHandle(name: string) {
        const file = found[name]
        if (file === undefined) throw new DOMException('no', 'NotFoundError')
        return { getFile: async () => file }
      },
    } as unknown as FileSystemDirectoryHandle
    expect(await openSource(handle)).toMatchObject({ label: 'picked', ggufName: 'm.gguf' })
    expect(await read(handle, 'm.gguf')).toBe('GGUF')
    expect(await read(handle, 'config.json')).toBeUndefined()
  })

  it('refuses what is no source, naming the parameter', async () => {
    for (const source of [undefined, null, 7, '', {}, [], ['x'], [new Blob(['x'])], new URL('ftp://host/x')]) {
      const error = await openSource(source as ModelSource).catch((thrown: unknown) => thrown)
      expect(error, String(source)).toBeInstanceOf(ParameterError)
      expect(error).toMatchObject({ parameter: 'source' })
    }
  })
})

describe('openSource with an opener', () => {
  const answers: readonly (readonly [string, () => ReturnType<FileOpener['open']>])[] = [
    ['a Blob', () => new Blob(['hello'])],
    ['a promise of a Blob', async () => new Blob(['hello'])],
    ['an ArrayBuffer', () => text('hello').slice().buffer as ArrayBuffer],
    ['bytes inside a buffer', () => text('xhellox').subarray(1, 6)],
    ['a string', () => 'hello'],
    ['a reader', () => ({ size: 5, read: (at, n) => text('hello').slice(at, at + n) })],
    [
      'an async reader of buffers',
      () => ({ size: 5, read: async (at, n) => text('hello').slice(at, at + n).buffer as ArrayBuffer }),
    ],
    ['a reader into shared memory', () => ({ size: 5, read: (at, n) => shared('hello').subarray(at, at + n) })],
  ]
  function shared(value: string): Uint8Array {
    const view = new Uint8Array(new SharedArrayBuffer(value.length))
    view.set(text(value))
    return view
  }
  it.each(answers)('takes %s', async (_, open) => {
    const files = await openSource({ open: (name) => (name === 'x' ? open() : undefined) })
    const reader = await files.open('x')
    expect(reader?.size).toBe(5)
    const part = await reader!.read(1, 3)
    expect(part.buffer).toBeInstanceOf(ArrayBuffer)
    expect(new TextDecoder().decode(part)).toBe('ell')
  })

  it('knows the ways to say that a file is missing, and tells them from failures', async () => {
    const missing = [
      undefined,
      null,
      new DOMException('gone', 'NotFoundError'),
      Object.assign(new Error('x'), { code: 'ENOENT' }),
    ]
    for (const answer of missing) {
      const open = () => {
        if (answer instanceof Error) throw answer
        return answer
      }
      expect(await (await openSource({ open })).open('x')).toBeUndefined()
    }
    const files = await openSource({
      open: (name) => (name === 'x' ? Promise.reject(new Error('disk on fire')) : null),
    })
    expect((await refusal(() => files.open('x'))).message).toBe('x: cannot be opened: disk on fire')
    const odd = await openSource({ open: (name) => (name === 'x' ? (7 as never) : null) })
    expect((await refusal(() => odd.open('x'))).fact).toMatch(/neither a Blob/)
  })

  it('finds a GGUF by list, else model.gguf', async () => {
    const open = (name: string) => (name.endsWith('.gguf') ? 'GGUF' : undefined)
    expect((await openSource({ open, list: () => ['q4.gguf', 'note.txt'] })).ggufName).toBe('q4.gguf')
    expect((await openSource({ open })).ggufName).toBe('model.gguf')
    expect((await openSource({ open: () => undefined })).ggufName).toBeUndefined()
  })

  it('checks what a reader gives', async () => {
    const of = async (reader: unknown) => {
      const files = await openSource({ open: (name) => (name === 'x' ? (reader as Blob) : undefined) })
      return (await files.open('x'))!.read(0, 4)
    }
    expect((await refusal(() => of({ size: 4, read: () => new Uint8Array(3) }))).fact).toMatch(
      /3 bytes came instead of 4/,
    )
    expect((await refusal(() => of({ size: 4, read: () => 'text' }))).fact).toMatch(/did not give bytes/)
    expect((await refusal(() => of({ size: -1, read: () => 'text' }))).fact).toMatch(/-1 bytes/)
    const failing = () => {
      throw new Error('unplugged')
    }
    expect((await refusal(() => of({ size: 4, read: failing }))).fact).toBe('cannot be read: unplugged')
  })

  it('turns an abort anywhere into AbortError', async () => {
    const fired = AbortSignal.abort('enough')
    await expect(openSource({ open: () => 'x' }, { signal: fired })).rejects.toBeInstanceOf(AbortError)
    const controller = new AbortController()
    const files = await openSource({
      open: (name) => (name === 'x' ? { size: 4, read: (_, n, signal) => slow(n, signal) } : undefined),
    })
    function slow(n: number, signal?: AbortSignal): Promise<Uint8Array> {
      return new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        setTimeout(() => resolve(new Uint8Array(n)), 5000).unref()
      })
    }
    const reader = await files.open('x')
    setTimeout(() => controller.abort('enough'), 10)
    const error = await reader!.read(0, 4, controller.signal).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AbortError)
    expect(error).toMatchObject({ cause: 'enough' })
  })
})

describe('small whole files', () => {
  it('are bounded, and say what is wrong', async () => {
    const files = await openSource({
      open: (name) => ({ big: 'x'.repeat(100), json: '{"a":', latin: Uint8Array.of(0xe9) })[name],
    })
    const of = async (name: string) => (await files.open(name))!
    expect((await refusal(async () => readText(await of('big'), 99))).fact).toMatch(
      /has 100 bytes, the limit for it is 99/,
    )
    expect((await refusal(async () => readJson(await of('json'), 99))).message).toMatch(
      /^json: is not JSON: .*; is the file complete\?$/,
    )
    expect((await refusal(async () => readText(await of('latin'), 99))).fact).toMatch(/not UTF-8/)
  })
})
