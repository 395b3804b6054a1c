/** Sources that are neither paths nor files: Ollama's names, responses, entries of a drop. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CheckpointError, ParameterError } from '../../src/errors.ts'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { root } from '../support/child.ts'

const GGUF = readFileSync(join(root, 'test/fixtures/checkpoints/gguf-q8_0/model.gguf'))
const tensors = async (source: unknown) => {
  const files = await openSource(source as ModelSource)
  try {
    return (await openCheckpoint(files)).names.length
  } finally {
    await files.close()
  }
}

describe('ollama:NAME', () => {
  let folder: string
  const before = process.env.OLLAMA_MODELS
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-ollama-'))
    process.env.OLLAMA_MODELS = folder
    const hash = createHash('sha256').update(GGUF).digest('hex')
    const layer = { mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${hash}`, size: GGUF.byteLength }
    const manifests = { 'registry.ollama.ai/library/tiny': ['latest', '1b'], 'hf.co/me/tiny-GGUF': ['Q8_0'] }
    mkdirSync(join(folder, 'blobs'))
    writeFileSync(join(folder, 'blobs', `sha256-${hash}`), GGUF)
    // Whoever writes a manifest may order its fields in another way.
    const turned = Object.fromEntries(Object.entries(layer).reverse())
    for (const [place, tags] of Object.entries(manifests)) {
      mkdirSync(join(folder, 'manifests', place), { recursive: true })
      for (const tag of tags)
        writeFileSync(
          join(folder, 'manifests', place, tag),
          JSON.stringify({ layers: [tag === '1b' ? turned : layer] }),
        )
    }
  })
  afterEach(() => {
    if (before === undefined) delete process.env.OLLAMA_MODELS
    else process.env.OLLAMA_MODELS = before
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(['ollama:tiny', 'ollama:tiny:1b', 'ollama:library/tiny', 'ollama://tiny', 'ollama:hf.co/me/tiny-GGUF:Q8_0'])(
    '%s is what it has pulled',
    async (name) => {
      expect(await tensors(name)).toBeGreaterThan(10)
    },
  )

  it('has a note of the adapter that Ollama answers with', async () => {
    const manifest = join(folder, 'manifests/registry.ollama.ai/library/tiny/latest')
    const { layers } = JSON.parse(readFileSync(manifest, 'utf8')) as { layers: object[] }
    const plain = await openSource('ollama:tiny')
    expect(plain.notes).toEqual([])
    await plain.close()
    const digest = `sha256:${'a'.repeat(64)}`
    layers.push({ mediaType: 'application/vnd.ollama.image.adapter', digest })
    writeFileSync(manifest, JSON.stringify({ layers }))
    const files = await openSource('ollama:tiny')
    expect(files.notes).toEqual([
      expect.stringContaining(`--adapter ${join(folder, 'blobs', digest.replace(':', '-'))}`),
    ])
    expect((await openCheckpoint(files)).notes.join()).toContain('--adapter')
    await files.close()
  })

  it('that it lacks is refused with what it has', async () => {
    await expect(openSource('ollama:mistral')).rejects.toThrow(/no such model .*it has tiny:(?:1b|latest), tiny:/)
    for (const name of ['ollama:', 'ollama:../x', 'ollama:a b']) {
      await expect(openSource(name)).rejects.toBeInstanceOf(CheckpointError)
    }
  })
})

describe('a response', () => {
  it('is the file that it brings', async () => {
    const headers = { 'content-disposition': 'attachment; filename="tiny.gguf"' }
    const files = await openSource(new Response(GGUF, { headers }))
    expect(files.ggufName).toBe('tiny.gguf')
    expect(await tensors(new Response(GGUF))).toBeGreaterThan(10)
  })

  it('that failed, or was read, is refused', async () => {
    await expect(openSource(new Response('no', { status: 404 }))).rejects.toThrow(/answered 404/)
    const read = new Response(GGUF)
    await read.text()
    await expect(openSource(read)).rejects.toThrow(/read already/)
  })
})

describe('a handle of a file', () => {
  const handle = { kind: 'file', name: 'x.gguf', getFile: async () => new File([new Uint8Array(GGUF)], 'x.gguf') }

  it('is the file', async () => {
    expect(await tensors(handle)).toBeGreaterThan(10)
  })

  it('may stand in a list, as pickers of files give it', async () => {
    const files = await openSource([handle, new File(['{}'], 'note.txt')] as unknown as ModelSource)
    expect([files.ggufName, files.names]).toEqual(['x.gguf', ['x.gguf', 'note.txt']])
    await expect(openSource([handle, null] as unknown as ModelSource)).rejects.toThrow(/every item must be a File/)
  })
})

it('the list of files of an input is no array, and taken', async () => {
  const file = new File([new Uint8Array(GGUF)], 'x.gguf')
  const list = { length: 1, 0: file, item: () => file }
  expect(await tensors(list)).toBeGreaterThan(10)
  await expect(openSource({ ...list, length: 0 } as unknown as ModelSource)).rejects.toThrow(/holds no files/)
})

it('a request is no response', async () => {
  const request = new Request('https://example.com/x.gguf')
  await expect(openSource(request as unknown as ModelSource)).rejects.toBeInstanceOf(ParameterError)
})

describe('an entry of a drop', () => {
  interface Entry {
    readonly name: string
    readonly isFile: boolean
  }
  const file = (name: string, bytes: Uint8Array<ArrayBuffer>) => ({
    name,
    isFile: true,
    file: (ok: (file: File) => void) => ok(new File([bytes], name)),
  })
  const folder = (name: string, entries: Entry[]) => {
    const createReader = () => {
      const portions = [...entries.map((entry) => [entry]), []]
      return { readEntries: (ok: (entries: Entry[]) => void) => ok(portions.shift() ?? []) }
    }
    return { name, isFile: false, isDirectory: true, createReader }
  }

  it('is a folder, whatever lies around the model', async () => {
    const gguf = new Uint8Array(GGUF)
    const note = new Uint8Array([104, 105])
    const dropped = folder('mine', [
      file('note.txt', note),
      folder('model', [file('tiny.gguf', gguf), file('a.txt', note)]),
    ])
    const files = await openSource(dropped as unknown as ModelSource)
    expect([files.label, files.ggufName]).toEqual(['mine', 'tiny.gguf'])
    expect(await tensors(dropped)).toBeGreaterThan(10)
    await expect(openSource(folder('empty', []) as unknown as ModelSource)).rejects.toThrow(/empty folder/)
  })

  it('may be a file, or several in a list', async () => {
    const [gguf, note] = [file('tiny.gguf', new Uint8Array(GGUF)), file('a.txt', new Uint8Array(2))]
    expect(await tensors(gguf)).toBeGreaterThan(10)
    for (const list of [
      [gguf, note],
      [folder('model', [gguf]), note],
    ]) {
      expect((await openSource(list as unknown as ModelSource)).ggufName).toBe('tiny.gguf')
    }
  })
})
