/**
 * Loads a model from a Hub that misbehaves, by seed, and judges what came of it. As a command it makes many runs:
 * `node --conditions=mistral-webgpu-source --import tsx test/support/hostile-runs.ts 500 1`
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MistralError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { FAULTS, type Fault } from './hub-faults.ts'
import { gitHash, type HubServer, sha256, startHub } from './hub-server.ts'

/** What may be transferred when nothing that came was wrong. */
export const MOST_BYTES = 1.05
/** With these no byte has to come twice. */
const WASTELESS: readonly Fault[] = ['none', 'cut', '503', '429', 'throttle', 'signed-expires']

export interface HostileRun {
  readonly fault: Fault
  readonly outcome: 'right' | 'refused'
  /** The error, when it was refused. */
  readonly message: string
  /** Bytes that were sent, in bytes of the model. */
  readonly share: number
}

export const REPOSITORY = 'mistralai/pocket'

/** The embedded model's files, as a repository. */
export function pocketFiles(): Map<string, Uint8Array> {
  const folder = new URL('../../models/pocket/', import.meta.url)
  const names = readdirSync(folder).filter((name) => /\.(?:json|safetensors)$/.test(name))
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]))
}

/** One run into an empty cache. Throws when something wrong was loaded or kept, or an error has no type. */
export async function hostileRun(hub: HubServer, fault: Fault, seed: number): Promise<HostileRun> {
  const cacheFolder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-hub-'))
  const files = pocketFiles()
  hub.publish(REPOSITORY, files)
  const total = [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  try {
    hub.served = 0
    hub.misbehave(fault, seed, 1 + (seed % 5))
    let message = ''
    try {
      await loadWhole(hub, cacheFolder, files, seed)
    } catch (error) {
      if (!(error instanceof MistralError))
        throw new Error(`an error without a type: ${String(error)}`, { cause: error })
      message = error.message
    }
    const share = hub.served / total
    if (WASTELESS.includes(fault) && message === '' && share > MOST_BYTES)
      throw new Error(`${share} of the bytes were sent`)
    expectWhole(cacheFolder)
    // What is left of the failure does no harm, and what came is not fetched again.
    hub.misbehave('none', 1)
    await loadWhole(hub, cacheFolder, files, seed)
    expectWhole(cacheFolder)
    return { fault, outcome: message === '' ? 'right' : 'refused', message, share }
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true })
  }
}

/** Opens the model, brings its weights and reads every tensor. */
export async function loadWhole(
  hub: Pick<HubServer, 'endpoint'>,
  cacheFolder: string,
  files: ReadonlyMap<string, Uint8Array>,
  seed: number,
): Promise<void> {
  const segmentBytes = 300_000 + ((seed * 7919) % 3_000_000)
  const source = await openSource(REPOSITORY, {
    hub: { endpoint: hub.endpoint, cacheFolder, offline: false },
    defer: true,
    segmentBytes,
  })
  try {
    const checkpoint = await openCheckpoint(source)
    await source.prepare?.()
    for (const [name, want] of files) {
      const reader = await source.open(name)
      const got = await reader?.read(0, reader.size)
      if (got === undefined || Buffer.compare(got, want) !== 0) throw new Error(`${name} is wrong`)
    }
    for (const name of checkpoint.names) {
      const info = checkpoint.tensor(name)
      await checkpoint.readTensor(info, 0, Math.min(64, info.byteLength))
    }
  } finally {
    await source.close()
  }
}

/** Every file that counts has the content that its name says. */
export function expectWhole(cacheFolder: string): void {
  const blobs = join(cacheFolder, `models--${REPOSITORY.replace('/', '--')}`, 'blobs')
  for (const name of readNames(blobs)) {
    if (name.endsWith('.incomplete')) continue
    const bytes = readFileSync(join(blobs, name))
    const found = name.length === 64 ? sha256(bytes) : gitHash(bytes)
    if (found !== name) throw new Error(`the blob ${name} holds what has the hash ${found}`)
  }
}

function readNames(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder)
}

/** Makes many runs and prints how each kind of fault ended. */
async function main(count: number, first: number): Promise<void> {
  const hub = await startHub()
  const tally = new Map<string, { runs: number; share: number; example: string }>()
  let bad = 0
  for (let i = 0; i < count; i++) {
    const fault = FAULTS[i % FAULTS.length]!
    let key: string
    let share = 0
    let example = ''
    try {
      const run = await hostileRun(hub, fault, first + i)
      key = `${fault}: ${run.outcome}`
      share = run.share
      example = run.message
    } catch (error) {
      bad++
      key = `${fault}: WRONG, seed ${first + i}: ${String(error)}`
    }
    const entry = tally.get(key) ?? { runs: 0, share: 0, example }
    tally.set(key, { runs: entry.runs + 1, share: Math.max(entry.share, share), example: entry.example || example })
  }
  await hub.close()
  for (const [key, { runs, share, example }] of [...tally].sort()) {
    console.log(`${key}: ${runs} runs, at most ${share.toFixed(3)} of the bytes${example === '' ? '' : `; ${example}`}`)
  }
  console.log(`${count - bad} of ${count} runs ended right or with a typed error`)
  process.exitCode = bad === 0 ? 0 : 1
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(Number(process.argv[2] ?? 48), Number(process.argv[3] ?? 1))
}
