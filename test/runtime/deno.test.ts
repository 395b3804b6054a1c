/** The library in Deno. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, type TestContext } from 'vitest'
import { type ChildResult, root, runChild } from '../support/child.ts'
import { disabledFeatures } from '../support/features.ts'
import { continuation, fixture, maxDifference } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'
import type { RunReport, RunRequest } from './run-model.ts'

const deno = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno')
const FLAGS = ['run', '--no-check', '--conditions=mistral-webgpu-source', '-A']

/** Runs a file in Deno, which must end by itself; skips the test where Deno's WebGPU has no adapter. */
async function inDeno(context: TestContext, args: readonly string[]): Promise<ChildResult> {
  // Without a driver's shader cache a software adapter takes most of a minute to compile a model's kernels.
  const result = await runChild(deno, [...FLAGS, ...args], { timeoutMs: 220_000 })
  const output = `${result.stdout}\n${result.stderr}`
  if (/found no adapter/.test(output)) context.skip('Deno finds no WebGPU adapter: install a Vulkan driver')
  expect(result, output).toMatchObject({ code: 0, hung: false })
  return result
}

async function runModel(context: TestContext, request: Omit<RunRequest, 'options'>) {
  const options = { kvCache: 'f32' as const, disableFeatures: disabledFeatures() }
  const program = join(root, 'test/runtime/run-model.ts')
  const { stdout } = await inDeno(context, [program, JSON.stringify({ ...request, options })])
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as RunReport
  if ('error' in report) throw new Error(report.error)
  return report
}

describe.skipIf(!existsSync(deno))('the library in Deno', { timeout: patience(240_000) }, () => {
  // Between them: 8-bit, 4-bit and 16-bit weights, both file formats, and a sliding window.
  for (const name of ['gguf-q8_0', 'gguf-q4_0', 'window-7']) {
    it(`computes ${name} as transformers does`, async (context) => {
      const { path, reference } = fixture(name)
      const source = name.startsWith('gguf') ? join(path, 'model.gguf') : path
      const count = 56
      const report = await runModel(context, { path: source, prompt: reference.prompt, count })
      expect(maxDifference(report.logits.flat(), reference.logits)).toBeLessThan(1e-3)
      expect(report.greedy).toHaveLength(count)
      expect(report.greedy.slice(0, reference.greedy.length)).toEqual(reference.greedy)
    })
  }

  it('goes on with a text as transformers does', async (context) => {
    const { prompt_ids, ids } = continuation()
    const report = await runModel(context, { path: pocketGguf(), prompt: prompt_ids, count: ids.length })
    expect(ids).toHaveLength(200)
    expect(report.greedy).toEqual(ids)
  })

  it('runs the example', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
    try {
      // Stands for the installed package.
      const importMap = join(folder, 'imports.json')
      const library = pathToFileURL(join(root, 'src/index.ts')).href
      writeFileSync(importMap, JSON.stringify({ imports: { 'mistral-webgpu': library } }))
      const example = [join(root, 'examples/deno/chat.ts'), join(root, 'models/pocket'), 'Who are you?']
      const { stdout } = await inDeno(context, [`--import-map=${importMap}`, ...example])
      expect(stdout.trim().length).toBeGreaterThan(10)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
