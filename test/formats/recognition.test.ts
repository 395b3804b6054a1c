/** Models are found by what files hold, where names say nothing. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CHECKPOINTS, copy, folder, handleOf, load, picked, put, refused } from './folders.ts'
import { gguf, ggufString, pair, safetensors, text } from './helpers.ts'

const GGUF = join(CHECKPOINTS, 'gguf-f16/model.gguf')
const HASH = `${'0123456789abcdef'.repeat(4)}`
const REVISION = 'a'.repeat(40)

describe('a GGUF', () => {
  it.each([`sha256-${HASH}`, 'model.bin', 'weights', 'model (1)', 'a.b.c'])('called %s is opened', async (name) => {
    const path = copy(GGUF, `blobs/${name}`)
    expect(await load(path)).toMatchObject({ format: 'gguf', ggufName: name, label: path })
    expect(await load(new File([new Uint8Array(readFileSync(GGUF))], name))).toMatchObject({ ggufName: name })
    expect(await load([new File([new Uint8Array(readFileSync(GGUF))], name)])).toMatchObject({ ggufName: name })
  })

  it('without a name at all is opened', async () => {
    expect(await load(new Blob([new Uint8Array(readFileSync(GGUF))]))).toMatchObject({ format: 'gguf' })
  })

  it('is opened at an address that has no ending, or another port in its name', async () => {
    const data = readFileSync(GGUF)
    const server = createServer((request, response) => {
      const isFile = /^\/(?:download\?id=7|v2\/blobs\/sha256:ab)$/.test(request.url!)
      response.writeHead(isFile ? 200 : 404).end(isFile ? data : '')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      expect(await load(`${base}/download?id=7`)).toMatchObject({ ggufName: 'download' })
      expect(await load(`${base}/v2/blobs/sha256:ab`)).toMatchObject({ ggufName: 'sha256-ab' })
    } finally {
      server.close()
    }
  })

  it('is found in a folder by any name, beside a projector, statistics and a config.json', async () => {
    copy(GGUF, 'm/Mistral 7B.Q8_0.gguf')
    put(
      ['m/mmproj-F16.gguf', 'x'],
      ['m/imatrix.gguf', 'x'],
      ['m/README.md', 'x'],
      ['m/config.json', '{"model_type":"mistral"}'],
    )
    for (const source of [join(folder, 'm'), picked(join(folder, 'm')), handleOf(join(folder, 'm'))]) {
      expect(await load(source)).toMatchObject({ ggufName: 'Mistral 7B.Q8_0.gguf' })
    }
  })

  it("is found in Ollama's folder of blobs, and by a manifest of Ollama's", async () => {
    const blob = copy(GGUF, `models/blobs/sha256-${HASH}`)
    put(
      [`models/blobs/sha256-${'f'.repeat(64)}`, '{"model_format":"gguf"}'],
      ['models/blobs/sha256-e', 'Apache License'],
    )
    expect(await load(dirname(blob))).toMatchObject({ ggufName: `sha256-${HASH}` })
    const layer = (type: string, digest: string) => ({ mediaType: `application/vnd.ollama.image.${type}`, digest })
    const manifest = (hash: string) =>
      JSON.stringify({ schemaVersion: 2, layers: [layer('license', 'sha256:e'), layer('model', `sha256:${hash}`)] })
    const path = 'models/manifests/registry.ollama.ai/library/mistral'
    expect(await load(put([`${path}/latest`, manifest(HASH)]))).toMatchObject({ label: blob })
    expect((await refused(put([`${path}/7b`, manifest('b'.repeat(64))]))).fact).toMatch(
      /sha256-bbb\S* is not there; pull it/,
    )
    expect((await refused(join(folder, 'models'))).fact).toMatch(/it is the store of Ollama/)
  })

  it('among several must be named', async () => {
    copy(GGUF, 'm/a.Q4_0.gguf')
    copy(GGUF, 'm/b.Q8_0.gguf')
    expect((await refused(join(folder, 'm'))).fact).toBe('holds 2 GGUF files (a.Q4_0.gguf, b.Q8_0.gguf); name one')
    copy(GGUF, 'blobs/sha256-a')
    copy(GGUF, 'blobs/sha256-b')
    expect((await refused(join(folder, 'blobs'))).fact).toBe('holds 2 GGUF files (sha256-a, sha256-b); name one')
  })

  it('that is no language model says what it is', async () => {
    const of = (key: string, value: string) => gguf({ pairs: [pair(key, 8, ggufString(value))] })
    expect((await refused(put(['mmproj-x.gguf', of('general.architecture', 'clip')]))).fact).toMatch(/projector/)
    expect((await refused(put(['lora.gguf', of('general.type', 'adapter')]))).fact).toMatch(/adapter .*merge it/)
    expect((await refused(dirname(put(['only/mmproj-x.gguf', 'x'])))).fact).toMatch(/belongs to a language model/)
  })
})

describe('a cache of the Hugging Face Hub', () => {
  /** A repository as the Hub's client lays it out: links into blobs. */
  function cache(revision: string, path = 'hub/models--me--tiny'): string {
    for (const name of ['config.json', 'model.safetensors']) {
      copy(join(CHECKPOINTS, 'tied-f16', name), `${path}/blobs/${name}-${revision}`)
      const link = join(folder, path, 'snapshots', revision, name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(`../../blobs/${name}-${revision}`, link)
    }
    return join(folder, path)
  }

  it('opens the snapshot of refs/main, also where there are others', async () => {
    const path = cache(REVISION)
    cache('b'.repeat(40))
    put(['hub/models--me--tiny/refs/main', `${REVISION}\n`])
    const label = join(path, 'snapshots', REVISION)
    expect(await load(path)).toEqual({ format: 'safetensors', ggufName: undefined, label, file: 'model.safetensors' })
    expect(await load(label)).toMatchObject({ format: 'safetensors' })
  })

  it('opens the only snapshot without refs/main, and asks for one of several', async () => {
    const path = cache(REVISION)
    expect(await load(path)).toMatchObject({ label: join(path, 'snapshots', REVISION) })
    cache('b'.repeat(40))
    expect((await refused(path)).fact).toMatch(
      /holds 2 snapshots, and refs\/main names none .*; pass one: snapshots\/a+, /,
    )
  })

  it('of dropped files and of a directory handle is opened in the same way', async () => {
    const path = cache(REVISION)
    const other = cache('b'.repeat(40))
    put(['hub/models--me--tiny/refs/main', REVISION])
    writeFileSync(join(other, 'snapshots', 'b'.repeat(40), 'generation_config.json'), '{}')
    const files = picked(path)
    expect(await load(files)).toMatchObject({ format: 'safetensors', label: '2 files' })
    expect(await load(handleOf(path))).toMatchObject({ format: 'safetensors', label: REVISION })
  })

  it('as a whole lists its repositories', async () => {
    cache(REVISION)
    cache(REVISION, 'hub/models--me--other')
    const { fact } = await refused(join(folder, 'hub'))
    expect(fact).toMatch(/pass one of its folders: models--me--(?:tiny|other), models--me--/)
    const home = await refused(folder)
    expect(home.fact).toMatch(/home of the Hugging Face Hub's cache; pass one of its folders: .*hub.models--me--other/)
  })

  it('names a link whose download did not finish, even of an optional file', async () => {
    const path = cache(REVISION)
    symlinkSync('../../blobs/nowhere', join(path, 'snapshots', REVISION, 'generation_config.json'))
    expect((await refused(path)).message).toMatch(/^generation_config.json: is a link to a file that is not there/)
  })
})

describe('safetensors', () => {
  it('of any name are opened when they are the only ones', async () => {
    copy(join(CHECKPOINTS, 'tied-f16/config.json'), 'm/config.json')
    copy(join(CHECKPOINTS, 'tied-f16/model.safetensors'), 'm/tiny.safetensors')
    expect(await load(join(folder, 'm'))).toMatchObject({ file: 'tiny.safetensors' })
    expect(await load(picked(join(folder, 'm')))).toMatchObject({ file: 'tiny.safetensors' })
  })

  it('of which one shard was named are opened by their index', async () => {
    copy(join(CHECKPOINTS, 'sharded-bf16'), 'm')
    const path = join(folder, 'm/model-00002-of-00003.safetensors')
    expect(await load(path)).toMatchObject({ format: 'safetensors', label: path })
  })

  it('alone ask for what belongs to them', async () => {
    const path = copy(join(CHECKPOINTS, 'tied-f16/model.safetensors'), 'm/model.safetensors')
    for (const source of [path, new File([new Uint8Array(readFileSync(path))], 'model.safetensors')]) {
      expect((await refused(source)).fact).toMatch(/has no config.json beside it; pass the whole folder/)
    }
  })

  it.each([
    ['scales', 'F16', 'MLX'],
    ['weight.absmax', 'U8', 'bitsandbytes'],
  ])('with a quantized %s say that, and what to take', async (suffix, dtype, method) => {
    copy(join(CHECKPOINTS, 'tied-f16/config.json'), 'm/config.json')
    const entry = { dtype, shape: [0], data_offsets: [0, 0] }
    const header = { [`model.embed_tokens.${suffix}`]: entry, ...(suffix === 'scales' && packed) }
    const { fact, tensor } = await refused(dirname(put(['m/model.safetensors', safetensors(header, 0)])))
    expect(tensor).toBe('model.embed_tokens.weight')
    expect(fact).toMatch(new RegExp(`quantized by ${method}, which is not supported; take the original weights`))
  })
  it.each([
    ['qweight', 'GPTQ or AWQ'],
    ['weight_packed', 'compressed-tensors'],
    ['weight_scale_inv', 'FP8'],
  ])('with a quantized %s and no word of it in the config say that', async (suffix, method) => {
    copy(join(CHECKPOINTS, 'tied-f16/config.json'), 'm/config.json')
    const header = { [`model.embed_tokens.${suffix}`]: { dtype: 'I32', shape: [0], data_offsets: [0, 0] } }
    const { fact } = await refused(dirname(put(['m/model.safetensors', safetensors(header, 0)])))
    expect(fact).toBe(
      `its weights were quantized by ${method}, but config.json has no quantization_config that says so`,
    )
  })
  const packed = { 'model.embed_tokens.weight': { dtype: 'U32', shape: [0], data_offsets: [0, 0] } }
})

describe('names of other kinds in a safetensors folder', () => {
  it('do not keep the model from loading', async () => {
    copy(join(CHECKPOINTS, 'tied-f16'), 'm')
    put(
      ['m/consolidated.safetensors', 'x'],
      ['m/pytorch_model.bin', 'x'],
      ['m/x.onnx', 'x'],
      ['m/mmproj.gguf', text('x')],
    )
    expect(await load(join(folder, 'm'))).toMatchObject({ file: 'model.safetensors' })
  })
})
