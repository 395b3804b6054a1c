/** The launcher that finds an adapter. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findAdapter } from '../../tools/adapter.mjs'
import { type ChildOptions, type ChildResult, root, runChild } from '../support/child.ts'
import { disabledFeatures } from '../support/features.ts'

const archive = join(root, 'node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')
const hasSwiftshader = process.platform === 'linux' && process.arch === 'x64' && existsSync(archive)

/** The environment without what the suite's own launcher has put there. */
const bare = {
  MISTRAL_WEBGPU_ADAPTER: undefined,
  MISTRAL_WEBGPU_DISABLE: undefined,
  VK_ICD_FILENAMES: undefined,
  VK_DRIVER_FILES: undefined,
}

function launch(words: string[], options: ChildOptions = {}): Promise<ChildResult> {
  const launcher = join(root, 'tools', 'with-adapter.mjs')
  return runChild(process.execPath, [launcher, ...words], { ...options, env: { ...bare, ...options.env } })
}

const printEnv = ['node', '-p', 'JSON.stringify([process.env.VK_ICD_FILENAMES, process.env.MISTRAL_WEBGPU_DISABLE])']

describe('with-adapter', () => {
  it('passes input, output, errors and exit code through', async () => {
    const program = `process.stdin.on('data', (d) => { console.log('' + d); console.error('e'); process.exitCode = 7 })`
    const result = await launch(['node', '-e', program], { input: 'in' })
    expect(result).toMatchObject({ code: 7, stdout: 'in\n', stderr: expect.stringContaining('e\n') })
  })

  it.skipIf(process.platform === 'win32')('ends with the signal that ended the command', async () => {
    expect(await launch(['node', '-e', `process.kill(process.pid, 'SIGTERM')`])).toMatchObject({ signal: 'SIGTERM' })
  })

  it.skipIf(process.platform === 'win32')('hands signals on to the command', async () => {
    const program = `process.on('SIGTERM', () => { console.log('told'); process.exit(4) })
      setInterval(() => undefined, 1000)
      process.kill(process.ppid, 'SIGTERM')`
    expect(await launch(['node', '-e', program])).toMatchObject({ code: 4, stdout: 'told\n', hung: false })
  })

  it('says when the command does not exist, and when it was given none', async () => {
    expect(await launch(['no-such-command'])).toMatchObject({
      code: 127,
      stderr: expect.stringMatching(/cannot start/),
    })
    expect(await launch([])).toMatchObject({ code: 2, stderr: expect.stringContaining('usage') })
    expect(await launch(['--nonsense', 'node'])).toMatchObject({ code: 2 })
  })

  it('leaves a choice made in the environment alone, and passes features to do without', async () => {
    const result = await launch(['--disable=shader-f16,subgroups', ...printEnv], {
      env: { VK_ICD_FILENAMES: '/x.json' },
    })
    expect(JSON.parse(result.stdout)).toEqual(['/x.json', 'shader-f16,subgroups'])
  })

  it('refuses adapters that do not exist', async () => {
    const result = await launch(['--adapter=voodoo', 'node', '-v'])
    expect(result).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('hardware, lavapipe, swiftshader'),
    })
  })

  it.skipIf(!hasSwiftshader)('brings SwiftShader where it is asked for', async () => {
    const result = await launch(['--adapter=swiftshader', 'node', 'tools/probe-adapter.mjs'])
    expect(JSON.parse(result.stdout)).toMatchObject({ vendor: 'google', architecture: 'swiftshader', software: true })
  })
})

describe.skipIf(!hasSwiftshader)('the choice', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const base = { PATH: process.env.PATH }
  const onlySwiftshader = async (env: Record<string, string | undefined>) =>
    env.VK_ICD_FILENAMES?.includes('swiftshader') ? { software: true } : undefined

  it('falls to SwiftShader where Dawn refuses every other driver', async () => {
    const verdictFile = join(folder, 'refused.json')
    const choice = await findAdapter(base, { probe: onlySwiftshader, verdictFile })
    expect(choice?.kind).toBe('swiftshader')
    expect(choice?.env.LD_LIBRARY_PATH).toBe(dirname(choice!.env.VK_ICD_FILENAMES!))
  })

  it('is remembered until what it depends on changes', async () => {
    const verdictFile = join(folder, 'remembered.json')
    let probes = 0
    const probe = (env: Record<string, string | undefined>) => {
      probes++
      return onlySwiftshader(env)
    }
    const first = await findAdapter(base, { probe, verdictFile })
    const spent = probes
    expect(spent).toBeGreaterThan(0)
    expect(await findAdapter(base, { probe, verdictFile })).toEqual(first)
    expect(probes).toBe(spent)
    await findAdapter({ ...base, LD_LIBRARY_PATH: '/elsewhere' }, { probe, verdictFile })
    expect(probes).toBeGreaterThan(spent)
  })

  it('is nothing where nothing works, and then is not remembered', async () => {
    const verdictFile = join(folder, 'nothing.json')
    expect(await findAdapter(base, { probe: async () => undefined, verdictFile })).toBeUndefined()
    expect(existsSync(verdictFile)).toBe(false)
    const forced = findAdapter({ ...base, MISTRAL_WEBGPU_ADAPTER: 'lavapipe' }, { probe: async () => undefined })
    await expect(forced).rejects.toThrow('asks for lavapipe')
  })

  it('never takes a software adapter for hardware', async () => {
    const forced = findAdapter(
      { ...base, MISTRAL_WEBGPU_ADAPTER: 'hardware' },
      { probe: async () => ({ software: true }) },
    )
    await expect(forced).rejects.toThrow('asks for hardware')
  })
})

it('reads the list of features to do without', () => {
  expect(disabledFeatures({})).toEqual([])
  expect(disabledFeatures({ MISTRAL_WEBGPU_DISABLE: 'shader-f16, subgroups,' })).toEqual(['shader-f16', 'subgroups'])
})
