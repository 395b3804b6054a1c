/** The cache that a machine has for all: other programs' files, the environment's folders, and a Hub that is ill or has moved on. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import { pull, removeCached } from '../../src/generate/cached.ts'
import { root } from '../support/child.ts'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { sha256 } from '../support/hub-server.ts'
import { FOLDER, useHub } from './use-hub.ts'

const { hub, cacheFolder, options } = await useHub()

describe('the cache of the machine', () => {
  it('is used when the Hub refuses, since what is here is here', async () => {
    await pull(REPOSITORY, options())
    hub.gate(REPOSITORY, 'hf_new')
    const old = { hub: { ...options().hub, token: 'hf_old' } }
    const { notes } = await pull(REPOSITORY, old)
    expect(notes.join()).toMatch(/refuses \(is gated \(403\).*the server says: Access to.*taken from the cache/)
    const away = pull(`${REPOSITORY}@v2`, old)
    await expect(away).rejects.toThrow(/is gated \(403\)/)
    await removeCached(REPOSITORY, options())
    await expect(pull(REPOSITORY, old)).rejects.toThrow(/is gated \(403\)/)
  })

  it('is not waited for long when the Hub is ill and the model is here', async () => {
    let asked = 0
    let patience: Record<string, string> = {}
    const ill = createServer((_, response) => {
      asked++
      response.writeHead(503, patience).end()
    })
    await new Promise<void>((resolve) => ill.listen(0, '127.0.0.1', resolve))
    const where = { hub: { ...options().hub, endpoint: `http://127.0.0.1:${(ill.address() as AddressInfo).port}` } }
    try {
      await expect(pull(REPOSITORY, where)).rejects.toThrow(/503 .*after 5 attempts/)
      await pull(REPOSITORY, options())
      asked = 0
      expect((await pull(REPOSITORY, where)).notes.join()).toMatch(/503 .*after 2 attempts.*from the cache/)
      expect(asked).toBe(2)
      // Nor as long as a Hub asks for that has too much to do.
      patience = { 'retry-after': '120' }
      expect((await pull(REPOSITORY, where)).notes.join()).toMatch(/503 .*after one attempt.*from the cache/)
    } finally {
      ill.close()
    }
  })

  it('lets a branch mean a new commit when its files are here, not before', async () => {
    await pull(REPOSITORY, options())
    const next = hub.publish(REPOSITORY, new Map([...pocketFiles(), ['README.md', new Uint8Array(5000)]]))
    const main = () => readFileSync(join(cacheFolder, FOLDER, 'refs/main'), 'utf8')
    const looked = await openSource(REPOSITORY, { ...options(), defer: true })
    await looked.open('config.json')
    await looked.close()
    expect(main()).not.toBe(next)
    // Without the Hub it is what it was, and what it lacks is not said of the Hub.
    await expect(pull(`${REPOSITORY}:Q4_0`, { hub: { ...options().hub, offline: true } })).rejects.toThrow(
      /what the cache \(.*\) has of it has no Q4_0; there are .*; the Hub is not asked \(offline\)/,
    )
    const whole = { hub: { ...options().hub, offline: true } }
    await expect(pull(REPOSITORY, whole)).resolves.toMatchObject({ notes: [] })
    await pull(REPOSITORY, options())
    expect(main()).toBe(next)
  })

  it('takes content that huggingface_hub shares among repositories away with the last that has it', async () => {
    await pull(REPOSITORY, options())
    const id = sha256(pocketFiles().get('model.safetensors')!)
    const shared = join(cacheFolder, 'blobs', id.slice(0, 2), id)
    const other = 'models--me--copy'
    mkdirSync(join(shared, '..'), { recursive: true })
    writeFileSync(join(cacheFolder, 'blobs/.huggingface-shared-blobs'), '1\n')
    writeFileSync(`${shared}.refs`, [FOLDER, other].map((folder) => `${folder}/blobs/${id}\n`).join(''))
    renameSync(join(cacheFolder, FOLDER, 'blobs', id), shared)
    cpSync(join(cacheFolder, FOLDER), join(cacheFolder, other), { recursive: true, verbatimSymlinks: true })
    for (const folder of [FOLDER, other]) {
      symlinkSync(`../../blobs/${id.slice(0, 2)}/${id}`, join(cacheFolder, folder, 'blobs', id))
    }
    hub.served = 0
    await pull(REPOSITORY, options())
    expect(hub.served).toBe(0)
    expect(await removeCached(REPOSITORY, options())).toBeLessThan(1e6)
    expect(existsSync(shared)).toBe(true)
    expect(await removeCached('me/copy', options())).toBeGreaterThan(6e6)
    expect(readdirSync(join(shared, '..'))).toEqual([])
  })

  it('lies where the environment says, in the words that huggingface_hub expands', async () => {
    const before = { ...process.env }
    Object.assign(process.env, { HOME: cacheFolder, WHERE: 'deep', HF_HUB_CACHE: '', HF_HOME: '~/$WHERE/hf' })
    Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: '' })
    try {
      // An address of this Hub is a name on it, whatever stands behind it.
      await pull(`${hub.endpoint}/${REPOSITORY}/blob/main/model.safetensors?download=true`)
      expect(existsSync(join(cacheFolder, 'deep/hf/hub', FOLDER, 'refs/main'))).toBe(true)
      const snapshot = readdirSync(join(cacheFolder, 'deep/hf/hub', FOLDER, 'snapshots'))[0]!
      const path = `~/deep/hf/hub/${FOLDER}/snapshots/${snapshot}`
      const found = await openSource(path)
      await found.close()
      expect(found.label).toBe(join(cacheFolder, path.slice(2)))
      process.env.TRANSFORMERS_OFFLINE = '1'
      hub.requests.splice(0)
      await pull(REPOSITORY)
      expect(hub.requests).toEqual([])
    } finally {
      process.env = before
    }
  })

  it('finds what llama.cpp kept in plain files', async () => {
    const gguf = new Uint8Array(readFileSync(join(root, 'test/fixtures/checkpoints/gguf-q8_0/model.gguf')))
    hub.publish('o/r-GGUF', new Map([['r-Q8_0.gguf', gguf]]))
    const llama = join(cacheFolder, 'llama')
    mkdirSync(llama)
    writeFileSync(join(llama, 'o_r-GGUF_r-Q8_0.gguf'), gguf)
    const before = { ...process.env }
    Object.assign(process.env, {
      LLAMA_CACHE: llama,
      HF_HUB_CACHE: join(cacheFolder, 'hub'),
      HF_ENDPOINT: hub.endpoint,
      HF_HUB_OFFLINE: '',
    })
    try {
      const files = await openSource('o/r-GGUF')
      const reader = await files.open(files.ggufName!)
      expect(Buffer.compare((await reader!.read(0, reader!.size)) as Uint8Array, gguf)).toBe(0)
      await files.close()
      expect(hub.served).toBe(0)
      // Nobody knows their commit, and without the Hub nobody needs to.
      const offline = await openSource('o/r-GGUF:Q8_0', { hub: { offline: true } })
      expect(offline.ggufName).toBe('r-Q8_0.gguf')
      expect(await offline.open('r-Q8_0.gguf')).toMatchObject({ size: gguf.byteLength })
      await offline.close()
    } finally {
      process.env = before
    }
  })
})
