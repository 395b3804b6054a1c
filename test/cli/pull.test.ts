/** `pull` and `cache`, and the choice among several models, as users type them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chosenModel } from '../../src/cli/choice.ts'
import { ChoiceError } from '../../src/errors.ts'
import { pocketFiles, REPOSITORY } from '../support/hostile-runs.ts'
import { type HubServer, sha256, startHub } from '../support/hub-server.ts'
import { patience } from '../support/patience.ts'
import { runCommand, stage } from './stage.ts'

let hub: HubServer
let folder: string
const run = (...args: string[]) => {
  const env = {
    HF_ENDPOINT: hub.endpoint,
    HF_HUB_CACHE: folder,
    HF_HUB_OFFLINE: '',
    MISTRAL_WEBGPU_CACHE: join(folder, 'urls'),
  }
  return runCommand(args, { env })
}

beforeAll(async () => {
  hub = await startHub()
  hub.publish(REPOSITORY, pocketFiles())
  folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-pull-'))
})
afterAll(async () => {
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('pull and cache', { timeout: patience(120_000) }, () => {
  it('bring, list, verify and remove a model', async () => {
    expect(await run('pull', REPOSITORY)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^mistralai\/pocket: 6\.6 MiB of weights, verified and ready\n$/),
    })
    expect(await run('pull', 'models/pocket')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^models\/pocket: 6\.6 MiB of weights, which lie here already: nothing was downloaded or/,
      ),
    })
    const listed = await run('cache', 'list', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject([{ repository: REPOSITORY, revisions: ['main'] }])
    expect((await run('cache', 'verify')).stdout).toBe('5 files are right, 0 were wrong\n')
    const blob = join(folder, 'models--mistralai--pocket/blobs', sha256(pocketFiles().get('model.safetensors')!))
    const bytes = readFileSync(blob)
    bytes[9999]! ^= 4
    writeFileSync(blob, bytes)
    const verified = await run('cache', 'verify', REPOSITORY)
    expect(verified).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/model\.safetensors: is not what its hash says/),
    })
    expect(await run('cache', 'remove', REPOSITORY)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/are free again/),
    })
    expect(await run('cache', 'remove', REPOSITORY)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/no such model/),
    })
    expect((await run('cache', 'list')).stdout).toBe('no models\n')
  })

  it('say which of several types is taken, and what else there is', async () => {
    const gguf = readFileSync(new URL('../fixtures/checkpoints/gguf-q8_0/model.gguf', import.meta.url))
    const f16 = readFileSync(new URL('../fixtures/checkpoints/gguf-f16/model.gguf', import.meta.url))
    hub.publish(
      'me/tiny-GGUF',
      new Map([
        ['tiny-Q4_K_M.gguf', gguf],
        ['tiny-F16.gguf', f16],
      ]),
    )
    const { code, stderr } = await run('pull', 'me/tiny-GGUF')
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^note: tiny-Q4_K_M\.gguf \(81\.6 KiB\): the first in order of preference that fits .*tiny-F16\.gguf \(74 KiB\)\n$/,
    )
    expect(await run('pull', 'me/tiny-GGUF:F16')).toMatchObject({ code: 0, stderr: '' })
    const listed = await run('cache', 'list')
    expect(listed.stdout).toBe('me/tiny-GGUF@main  155.5 KiB  2 files\n')
    // A type is taken away without the others.
    expect((await run('cache', 'remove', 'me/tiny-GGUF:f16')).stdout).toMatch(/^me\/tiny-GGUF:f16: removed/)
    const left = JSON.parse((await run('cache', 'list', '--json')).stdout) as { files: { name: string }[] }[]
    expect(left.map(({ files }) => files.map(({ name }) => name))).toEqual([['tiny-Q4_K_M.gguf']])
  })

  it('say what cannot be had', async () => {
    const unknown = await run('pull', 'nobody/nothing')
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: nobody\/nothing: .*no such model/),
    })
    expect(await run('cache', 'remove', 'nothing')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/no such model/),
    })
    // What is left of a download that was cut off is told, and can be taken away.
    const blobs = join(folder, 'models--me--half/blobs')
    mkdirSync(blobs, { recursive: true })
    writeFileSync(join(blobs, `${'a'.repeat(64)}.mistral-webgpu-1a2b3c4d.incomplete`), new Uint8Array(3 * 2 ** 20))
    expect((await run('cache', 'list')).stdout).toMatch(/^me\/half: 3 MiB of an unfinished download/m)
    expect((await run('cache', 'remove', 'me/half')).stdout).toBe('me/half: removed, 3 MiB are free again\n')
    expect(await run('cache', 'verify', 'me/nothing')).toMatchObject({
      code: 1,
      stderr: 'error: me/nothing: is not in the cache\n',
    })
  })
})

describe('several models', () => {
  const CHOICES = [
    { name: 'a-Q4_0.gguf', bytes: 1e9 },
    { name: 'b-Q4_0.gguf', bytes: 2e9 },
  ]
  const use = async (name: string) => {
    if (name.endsWith('.gguf')) return name
    throw new ChoiceError('owner/name', 'holds several models', CHOICES)
  }

  it('are shown with their sizes to a person, who picks one', async () => {
    for (const [typed, picked] of [
      ['2', 'b-Q4_0.gguf'],
      ['a-Q4_0.gguf', 'a-Q4_0.gguf'],
    ]) {
      const { cli, err } = stage({ isTTY: true, input: `${typed}\n` })
      expect(await chosenModel(cli, 'owner/name:Q4_0', use)).toBe(`hf:owner/name:${picked}`)
      expect(err()).toMatch(/1 {2}a-Q4_0\.gguf \(953\.7 MiB\)\s+2 {2}b-Q4_0\.gguf \(1\.9 GiB\)/)
      cli.terminal.close()
    }
  })

  it.each([
    ['owner/name@refs/pr/7', 'hf:owner/name@refs/pr/7:b-Q4_0.gguf'],
    ['owner/name:folder/Q4_0', 'hf:owner/name:b-Q4_0.gguf'],
    ['https://huggingface.co/owner/name/tree/v1.0/folder', 'hf:owner/name@v1.0:b-Q4_0.gguf'],
  ])('are picked from %s, however it was written', async (name, wanted) => {
    const { cli } = stage({ isTTY: true, input: '2\n' })
    expect(await chosenModel(cli, name, use)).toBe(wanted)
    cli.terminal.close()
  })

  it('are an error where nobody can answer, or nothing was picked', async () => {
    await expect(chosenModel(stage({ isTTY: false }).cli, 'owner/name', use)).rejects.toBeInstanceOf(ChoiceError)
    const { cli } = stage({ isTTY: true, input: '7\n' })
    await expect(chosenModel(cli, 'owner/name', use)).rejects.toBeInstanceOf(ChoiceError)
    cli.terminal.close()
  })
})
