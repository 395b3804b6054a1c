/** Nothing stays in memory of a model that was disposed, of a load that failed, or of a server that was closed. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root, runChild } from '../support/child.ts'
import { fixture } from '../support/fixtures.ts'
import { patience, SOON } from '../support/patience.ts'
import { buildPage } from './build-page.ts'
import { INSTALL_ADVICE, startChromium } from './chromium.ts'
import type { LivesRequest, Sample } from './lives/live-again.ts'
import { LIVES, type Life } from './lives/lives.ts'
import { serveFolders } from './static-server.ts'

const deno = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno')
const { path } = fixture('gguf-q8_0')
const gguf = join(path, 'model.gguf')
const program = join(root, 'test/runtime/lives/process.ts')
/** Each way in which a life can go once, and one life at least after the first: all load a model, for which pages take seconds. */
const TURNS = { model: 1, chat: 2, tokenizer: 1, aborted: 2, refused: 3, server: 1 } as const
const request: LivesRequest = { lives: LIVES, turns: TURNS, patienceMs: SOON.timeout }

function expectNothingLeft(samples: readonly Sample[]): void {
  const after = (life: Life, turn: number) => ({ life, turn, survivors: {} })
  const expected = LIVES.flatMap((life) => [after(life, 0), after(life, TURNS[life])])
  expect(samples.map(({ life, turn, survivors }) => ({ life, turn, survivors }))).toEqual(
    expect.arrayContaining(expected),
  )
  expect(samples).toHaveLength(expected.length)
}

function samplesOf(stdout: string): Sample[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => JSON.parse(line))
}

describe('nothing stays in memory of models, chats, tokenizers, aborted and refused loads, and servers', () => {
  it('in Node', { timeout: patience(240_000) }, async () => {
    const flags = ['--expose-gc', '--conditions=mistral-webgpu-source', '--import', 'tsx']
    const args = [...flags, program, gguf, JSON.stringify(request)]
    const result = await runChild(process.execPath, args, { timeoutMs: 220_000 })
    expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
    expectNothingLeft(samplesOf(result.stdout))
  })

  it.skipIf(!existsSync(deno))('in Deno', { timeout: patience(300_000) }, async (context) => {
    const flags = ['run', '--no-check', '--conditions=mistral-webgpu-source', '-A', '--v8-flags=--expose-gc']
    const result = await runChild(deno, [...flags, program, gguf, JSON.stringify(request)], { timeoutMs: 280_000 })
    if (/there is no adapter/.test(result.stderr)) context.skip('Deno finds no WebGPU adapter: install a Vulkan driver')
    expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
    expectNothingLeft(samplesOf(result.stdout))
  })

  it('in a page', { timeout: patience(400_000) }, async (context) => {
    const browser = await startChromium(['--js-flags=--expose-gc'])
    if (!browser) return context.skip(INSTALL_ADVICE)
    const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
    await buildPage('test/runtime/lives', folder, 'openai-client/browser')
    const server = await serveFolders({ page: folder, fixtures: path })
    try {
      const page = await browser.newPage()
      await page.goto(`${server.origin}/page/index.html`)
      const run = (asked: LivesRequest) => window.runLives('/fixtures/model.gguf', asked)
      expectNothingLeft(await page.evaluate(run, request))
    } finally {
      await browser.close()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
