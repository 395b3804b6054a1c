/** Downloads from a Hub into the cache: right or refused with a type, resumed, shared, and in huggingface_hub's layout. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AbortError, CheckpointError, ChoiceError } from '../../src/errors.ts'
import type { HubOptions } from '../../src/formats/source-options.ts'
import { listCached, pull, removeCached, verifyCached } from '../../src/generate/cached.ts'
import { root } from '../support/child.ts'
import { expectWhole, hostileRun, loadWhole, pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { FAULTS } from '../support/hub-faults.ts'
import { sha256, startHub } from '../support/hub-server.ts'
import { patience } from '../support/patience.ts'
import { FOLDER, useHub } from './use-hub.ts'

const { hub, cacheFolder, options } = await useHub()

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
    const leaving = await startHub()
    leaving.publish(REPOSITORY, pocketFiles())
    const where = { hub: { ...options().hub, endpoint: leaving.endpoint } }
    const { bytes } = await pull(REPOSITORY, where)
    expect(bytes).toBeGreaterThan(6e6)
    const folder = join(cacheFolder, FOLDER)
    const commit = readFileSync(join(folder, 'refs/main'), 'utf8')
    const weights = sha256(pocketFiles().get('model.safetensors')!)
    const link = join(folder, 'snapshots', commit, 'model.safetensors')
    expect(readlinkSync(link)).toBe(`../../blobs/${weights}`)
    expect(lstatSync(join(folder, 'blobs', weights)).isFile()).toBe(true)
    expect(readdirSync(join(folder, 'blobs')).filter((name) => name.includes('incomplete'))).toEqual([])
    leaving.served = 0
    await pull(REPOSITORY, where)
    expect(leaving.served).toBe(0)
    await leaving.close()
    const { notes } = await pull(REPOSITORY, where)
    expect(notes.join()).toContain('from the cache')
    await pull(REPOSITORY, { hub: { ...where.hub, offline: true } })
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
    await expect(pull(REPOSITORY, wrong)).rejects.toThrow(
      /is gated or private \(403\).*; the server says: Access to this model is restricted$/,
    )
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
