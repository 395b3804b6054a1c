/** What the doctor says, with and without an adapter. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adapterAdvice, packageAdvice } from '../../src/cli/advice.ts'
import { patience } from '../support/patience.ts'
import { runCommand } from './stage.ts'

describe('doctor', () => {
  it('describes the adapter and what it can run', async () => {
    const result = await runCommand(['doctor'])
    expect(result.stdout).toMatch(/^runtime +node \d+\.\d+\.\d+, /)
    for (const fact of ['adapter ', 'shader-f16 ', 'subgroups ', 'largest binding ', 'Mistral 7B ']) {
      expect(result.stdout).toContain(`\n${fact.startsWith('Mistral') ? '  ' : ''}${fact}`)
    }
    expect(result).toMatchObject({ code: 0, hung: false })
  })

  it('--json says the same to programs, and features can be disabled', async () => {
    const result = await runCommand(['doctor', '--json'], { env: { MISTRAL_WEBGPU_DISABLE: 'shader-f16, subgroups' } })
    const report = JSON.parse(result.stdout)
    expect(report.adapter.name).toBeTruthy()
    expect(report.features).toMatchObject({ 'shader-f16': false, subgroups: false })
    expect(report).toMatchObject({ subgroup_lanes: 0, disabled: ['shader-f16', 'subgroups'] })
    expect(report.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27)
    expect(report.models.length).toBeGreaterThan(0)
  })

  it('--self-test checks the kernels, and --tune measures them', { timeout: patience(240_000) }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
    // Software adapters compile tiles for seconds: those that need a feature are left out.
    const disabled = 'shader-f16,packed_4x8_integer_dot_product'
    // Mesa keeps its shaders there, too, unless it is told where: without those it compiles for half a minute.
    const { MESA_SHADER_CACHE_DIR = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache') } = process.env
    const env = { XDG_CACHE_HOME: folder, MESA_SHADER_CACHE_DIR, MISTRAL_WEBGPU_DISABLE: disabled }
    const result = await runCommand(['doctor', '--self-test', '--tune', '--json'], { env, timeoutMs: 220_000 })
    const { self_test: tested, tuning, adapter } = JSON.parse(result.stdout)
    expect(tested).toMatchObject({ passed: true, off: [], report: null })
    expect(tested.checks.length).toBeGreaterThan(3)
    expect(tuning).toMatchObject({ remembered: !adapter.software, failed: [] })
    // One for each class of batches, unless a slow adapter has no time for all.
    const chosen = tuning.kernels.filter((kernel: { chosen: boolean }) => kernel.chosen).length
    expect(chosen).toBeGreaterThan(0)
    if (tuning.complete) expect(chosen).toBe(5)
    expect(tuning.kernels.every((kernel: { ms: number }) => kernel.ms >= 0)).toBe(true)
    // What is measured on a software adapter is not used.
    expect((await readdir(folder)).includes('mistral-webgpu')).toBe(!adapter.software)
    expect(result).toMatchObject({ code: 0, hung: false })
    await rm(folder, { recursive: true })
  })

  it('--model without --tune is refused', async () => {
    const result = await runCommand(['doctor', '--model', 'pocket'])
    expect(result).toMatchObject({ code: 2, hung: false })
    expect(result.stderr).toContain('--model goes with --tune')
  })

  // Other systems do not find their GPU through the Vulkan loader, so its variables cannot hide it.
  it.runIf(process.platform === 'linux')('says what to install when there is no adapter, and fails', async () => {
    const env = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' }
    const result = await runCommand(['doctor'], { env })
    expect(result.stdout).toMatch(/\ngpu +none\n/)
    expect(result.stdout).toContain('mesa-vulkan-drivers')
    expect(result).toMatchObject({ code: 1, hung: false })
    const json = await runCommand(['doctor', '--json'], { env })
    expect(JSON.parse(json.stdout)).toMatchObject({ error: expect.any(String), advice: expect.any(Array) })
    expect(json.code).toBe(1)
  })
})

describe('advice', () => {
  it('is that of the runtime and of the system', () => {
    expect(packageAdvice('node').join()).toContain('npm install webgpu')
    expect(packageAdvice('node').join()).toContain('npx -p mistral-webgpu -p webgpu mistral-webgpu')
    expect(packageAdvice('deno').join()).toContain('--unstable-webgpu')
    expect(adapterAdvice('node 22.1.0, linux x64').join()).toContain('mesa-vulkan-drivers')
    expect(adapterAdvice('node 22.1.0, darwin arm64').join()).toContain('Metal')
    expect(adapterAdvice('node 22.1.0, win32 x64').join()).toContain('Direct3D')
  })
})
