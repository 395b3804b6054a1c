/** Downloads from a Hub into the cache: right or refused with a type, resumed, shared, and in huggingface_hub's layout. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AbortError, CheckpointError, ChoiceError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import type { HubOptions } from '../../src/formats/source-options.ts'
import { listCached, pull, removeCached, verifyCached } from '../../src/generate/cached.ts'
import { root } from '../support/child.ts'
import { expectWhole, hostileRun, loadWhole, pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { FAULTS } from '../support/hub-faults.ts'
import { type HubServer, sha256, startHub } from '../support/hub-server.ts'
import { patience } from '../support/patience.ts'

const FOLDER = `models--${REPOSITORY.replace('/', '--')}`
let hub: HubServer
let cacheFolder: string
const options = () => ({ hub: { endpoint: hub.endpoint, cacheFolder, offline: false } })

beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub.close())
beforeEach(() => {
  cacheFolder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-hub-'))
  hub.misbehave('none', 1)
  hub.publish(REPOSITORY, pocketFiles())
  hub.gate(REPOSITORY, undefined)
  hub.served = 0
  hub.requests.splice(0)
})
afterEach(() => rmSync(cacheFolder, { recursive: true, force: true }))

describe('a Hub that misbehaves', () => {
  it.each(FAULTS.map((fault, i) => [fault, i + 1] as const))(
    '%s: right or refused, and nothing wrong is kept',
    async (fault, seed) => {
      const { outcome } = await hostileRun(hub, fault, seed)
      if (fault === 'flip-always') expect(outcome).toBe('refused')
      if (['none', 'cut', '503', '429', 'signed-expires', 'throttle'].includes(fault)) expect(outcome).toBe('right')
    },
  )
})

describe('the cache', () => {
  it('has the layout of huggingface_hub, and is not asked twice', async () => {
    const { bytes } = await pull(REPOSITORY, options())
    expect(bytes).toBeGreaterThan(6e6)
    const folder = join(cacheFolder, FOLDER)
    const commit = readFileSync(join(folder, 'refs/main'), 'utf8')
    const weights = sha256(pocketFiles().get('model.safetensors')!)
    const link = join(folder, 'snapshots', commit, 'model.safetensors')
    expect(readlinkSync(link)).toBe(`../../blobs/${weights}`)
    expect(lstatSync(join(folder, 'blobs', weights)).isFile()).toBe(true)
    expect(readdirSync(join(folder, 'blobs')).filter((name) => name.includes('incomplete'))).toEqual([])
    hub.served = 0
    await pull(REPOSITORY, options())
    expect(hub.served).toBe(0)
    await hub.close()
    try {
      const { notes } = await pull(REPOSITORY, options())
      expect(notes.join()).toContain('from the cache')
      await pull(REPOSITORY, { hub: { ...options().hub, offline: true } })
    } finally {
      hub = await startHub()
    }
  })

  it('keeps what came when it is aborted, and goes on there', async () => {
    const abort = new AbortController()
    const slow = await startHub({ slowMs: 4 })
    try {
      slow.publish(REPOSITORY, pocketFiles())
      const where = { hub: { endpoint: slow.endpoint, cacheFolder, offline: false } }
      const running = pull(REPOSITORY, {
        ...where,
        signal: abort.signal,
        onProgress: ({ phase, loaded, total }) => {
          if (phase === 'download' && total > 1e6 && loaded > total / 2) abort.abort()
        },
      })
      await expect(running).rejects.toBeInstanceOf(AbortError)
      const before = slow.served
      await pull(REPOSITORY, where)
      const total = [...pocketFiles().values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
      expect(slow.served - before).toBeLessThan(total * 0.6)
      expectWhole(cacheFolder)
    } finally {
      await slow.close()
    }
  })

  it('ends at once when it is aborted with the last byte of a file', async () => {
    for (const name of pocketFiles().keys()) {
      const abort = new AbortController()
      const onProgress = ({ file }: { file: string | undefined }) => {
        if (file === name) abort.abort()
      }
      const running = pull(REPOSITORY, { ...options(), signal: abort.signal, onProgress })
      await expect(running).rejects.toBeInstanceOf(AbortError)
      rmSync(cacheFolder, { recursive: true, force: true })
    }
  })

  it('tells the phases, the bytes and their speed', async () => {
    const slow = await startHub({ slowMs: 5 })
    try {
      slow.publish(REPOSITORY, pocketFiles())
      const seen: {
        phase: string
        loaded: number
        total: number
        bytesPerSecond: number | undefined
        file?: string | undefined
      }[] = []
      await pull(REPOSITORY, {
        hub: { endpoint: slow.endpoint, cacheFolder, offline: false },
        onProgress: (progress) => seen.push(progress),
      })
      expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['open', 'download', 'ready'])
      // All files are one download, whose bytes only grow.
      const download = seen.filter(({ phase }) => phase === 'download')
      for (const [i, { loaded, total }] of download.entries()) {
        expect(loaded).toBeGreaterThanOrEqual(download[i - 1]?.loaded ?? 0)
        expect(total).toBeGreaterThanOrEqual(download[i - 1]?.total ?? loaded)
      }
      const all = [...pocketFiles().values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
      expect(download.at(-1)).toMatchObject({ loaded: all, total: all })
      const weights = seen.filter(({ file }) => file === 'model.safetensors')
      expect(weights.some(({ bytesPerSecond }) => (bytesPerSecond ?? 0) > 0)).toBe(true)
    } finally {
      await slow.close()
    }
  })

  it('is listed, verified and emptied', async () => {
    await pull(REPOSITORY, options())
    const [model, ...others] = await listCached(options())
    expect(others).toEqual([])
    expect(model).toMatchObject({ repository: REPOSITORY, revisions: ['main'] })
    expect(model!.files.map(({ name }) => name).sort()).toEqual([...pocketFiles().keys()].sort())
    const verdicts = async () => {
      const all: string[] = []
      for await (const { file, verdict } of verifyCached(undefined, options())) all.push(`${file} ${verdict}`)
      return all.sort()
    }
    expect(new Set((await verdicts()).map((text) => text.split(' ')[1]))).toEqual(new Set(['right']))
    const blob = join(cacheFolder, FOLDER, 'blobs', sha256(pocketFiles().get('model.safetensors')!))
    const damaged = readFileSync(blob)
    damaged[5000]! ^= 1
    writeFileSync(blob, damaged)
    expect(await verdicts()).toContain('model.safetensors wrong')
    expect(existsSync(blob)).toBe(false)
    await loadWhole(hub, cacheFolder, pocketFiles(), 1)
    expect(await removeCached(REPOSITORY, options())).toBeGreaterThan(6e6)
    expect(await removeCached(REPOSITORY, options())).toBe(0)
    expect(await listCached(options())).toEqual([])
  })

  it('is not waited for long when the Hub is ill and the model is here', async () => {
    let asked = 0
    const ill = createServer((_, response) => {
      asked++
      response.writeHead(503).end()
    })
    await new Promise<void>((resolve) => ill.listen(0, '127.0.0.1', resolve))
    const where = { hub: { ...options().hub, endpoint: `http://127.0.0.1:${(ill.address() as AddressInfo).port}` } }
    try {
      await expect(pull(REPOSITORY, where)).rejects.toThrow(/503 .*after 5 attempts/)
      await pull(REPOSITORY, options())
      asked = 0
      expect((await pull(REPOSITORY, where)).notes.join()).toMatch(/503 .*after 2 attempts.*from the cache/)
      expect(asked).toBe(2)
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

describe('the Hub', () => {
  it('gets the token, and the store behind it does not', async () => {
    hub.gate(REPOSITORY, 'hf_secret')
    const refused = await pull(REPOSITORY, options()).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(CheckpointError)
    expect((refused as Error).message).toMatch(/is gated \(401\).*HF_TOKEN/)
    const wrong = { hub: { ...options().hub, token: 'hf_wrong' } }
    await expect(pull(REPOSITORY, wrong)).rejects.toThrow(/is gated \(403\)/)
    await pull(REPOSITORY, { hub: { ...options().hub, token: 'hf_secret' } })
    const byHost = (host: string) =>
      new Set(hub.requests.filter((one) => one.host === host).map((one) => one.authorization))
    expect(byHost('hub')).toEqual(new Set(['Bearer hf_secret']))
    expect(byHost('store')).toEqual(new Set([undefined]))
  })

  it('may list a gated model and keep its files to itself', async () => {
    hub.gate(REPOSITORY, 'hf_secret', 'files')
    await expect(pull(REPOSITORY, options())).rejects.toThrow(/config\.json: is gated or private \(401\).*HF_TOKEN/)
    const wrong = { hub: { ...options().hub, token: 'hf_wrong' } }
    await expect(pull(REPOSITORY, wrong)).rejects.toThrow(/is gated or private \(403\)/)
    await pull(REPOSITORY, { hub: { ...options().hub, token: 'hf_secret' } })
  })

  it('says what is not there', async () => {
    await expect(pull('nobody/nothing', options())).rejects.toThrow(
      /no such file or folder; and on the Hugging Face Hub/,
    )
    await expect(pull(`${REPOSITORY}@v9`, options())).rejects.toThrow(/no such revision/)
    await expect(pull(`${REPOSITORY}:Q4_K_M`, options())).rejects.toBeInstanceOf(ChoiceError)
    await expect(pull(REPOSITORY, { hub: { endpoint: 'nowhere' } })).rejects.toThrow(/hub\.endpoint/)
    await expect(pull(REPOSITORY, { hub: { token: 'hf_se\ncret' } })).rejects.toThrow(
      /^parameter "hub\.token" \("…"\): must be one word/,
    )
    const misspelt = { hub: { tokn: 'x' } as HubOptions }
    await expect(pull(REPOSITORY, misspelt)).rejects.toThrow(/"hub\.tokn".*did you mean token/)
  })
})

describe('processes', { timeout: patience(120_000) }, () => {
  it('that are killed at any moment leave nothing that looks whole', async () => {
    const slow = await startHub({ slowMs: 6 })
    try {
      slow.publish(REPOSITORY, pocketFiles())
      for (const ms of [900, 1100, 1400]) {
        const child = pulling(slow.endpoint)
        // It may be done before it is killed.
        const over = ended(child)
        await new Promise((resolve) => setTimeout(resolve, ms))
        child.kill('SIGKILL')
        await over
        expectWhole(cacheFolder)
      }
      await loadWhole(slow, cacheFolder, pocketFiles(), 1)
      expectWhole(cacheFolder)
    } finally {
      await slow.close()
    }
  })

  it('that load the same model share one download', async () => {
    const slow = await startHub({ slowMs: 10 })
    try {
      slow.publish(REPOSITORY, pocketFiles())
      const codes = await Promise.all([pulling(slow.endpoint), pulling(slow.endpoint)].map(ended))
      expect(codes).toEqual([0, 0])
      const total = [...pocketFiles().values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
      // Both read the header of what is not there yet.
      expect(slow.served).toBeLessThan(total * 1.1)
      expectWhole(cacheFolder)
    } finally {
      await slow.close()
    }
  })

  function pulling(endpoint: string): ChildProcess {
    const code = `import { pull } from './src/index.ts'
      await pull(${JSON.stringify(REPOSITORY)}, { hub: ${JSON.stringify({ endpoint, cacheFolder, offline: false })} })`
    const flags = ['--conditions=mistral-webgpu-source', '--import', 'tsx', '--input-type=module', '-e', code]
    return spawn(process.execPath, flags, { cwd: root, stdio: 'inherit' })
  }

  function ended(child: ChildProcess): Promise<number | null> {
    return new Promise((resolve) => child.once('exit', resolve))
  }
})
