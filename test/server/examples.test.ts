/** Runs the examples that talk to a server, as they stand, against one. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChildOptions, root, runChild } from '../support/child.ts'
import { freePort } from '../support/free-port.ts'
import { patience } from '../support/patience.ts'
import { type ServeProcess, startReady } from '../support/serve-process.ts'

const KEY = 'key-of-the-examples'
const FROM_SOURCES = ['--conditions=mistral-webgpu-source', '--import', 'tsx']
const python = process.env.PYTHON ?? 'python3'
const example = (path: string) => join(root, 'examples', path)
const options = (server: ServeProcess): ChildOptions => ({
  env: { MISTRAL_WEBGPU_URL: server.url, MISTRAL_WEBGPU_API_KEY: KEY },
  timeoutMs: 90_000,
})

/** Why a Python example cannot run here; undefined when it can. */
function missing(module: string): string | undefined {
  const { status } = spawnSync(python, ['-c', `import ${module}`])
  return status === 0 ? undefined : `needs ${python} with ${module} (PYTHON names another)`
}

describe('examples against a server', { timeout: patience(120_000) }, () => {
  let server: ServeProcess
  beforeAll(async () => {
    server = await startReady(['--context', '512', '--max-sequences', '2'], { MISTRAL_WEBGPU_API_KEY: KEY })
  }, patience(120_000))
  afterAll(() => server?.stop('SIGKILL'))

  async function run(file: string, args: readonly string[]): Promise<string> {
    const result = await runChild(file, args, options(server))
    expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
    return result.stdout
  }

  it('openai client', async () => {
    const out = await run(process.execPath, [example('openai-client/chat.mjs'), 'What is a mistral?'])
    expect(out).toMatch(/\w+ \w+.*\n\(8 \+ \d+ tokens\)\n\S.*\n$/s)
  })

  it("Vercel's AI SDK", async () => {
    const out = await run(process.execPath, [example('ai-sdk/chat.mjs'), 'What is a mistral?'])
    expect(out).toMatch(/\w+ \w+.*\n\(8 \+ \d+ tokens\)\n\S.* \((?:stop|length)\)\n$/s)
  })

  it('LangChain.js', async () => {
    const out = await run(process.execPath, [example('langchain/chat.mjs'), 'What is a mistral?'])
    const [vector, wind, ...answer] = out.trimEnd().split('\n').reverse()
    expect(answer.join('\n')).toMatch(/\w+ \w+/)
    expect(JSON.parse(wind!)).toEqual({ name: expect.any(String), speed: expect.any(Number) })
    expect(vector).toBe('256 numbers')
  })

  it('curl', async () => {
    const out = await run('sh', [example('curl/requests.sh')])
    for (const part of [
      '{"status":"ready"}',
      '"object":"list"',
      '"object":"chat.completion"',
      'data: [DONE]',
      '"object":"text_completion"',
      '\n== /predict\n"',
      'mistral_webgpu_requests_total',
    ]) {
      expect(out).toContain(part)
    }
  })

  it.each(['openai', 'requests'])('Python, %s', async (module) => {
    const reason = missing(module)
    if (reason !== undefined) return console.log(`skipped: ${reason}`)
    const file = module === 'openai' ? 'python/openai_client.py' : 'python/predict.py'
    const out = await run(python, [example(file)])
    const lines = out.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThanOrEqual(2)
    for (const line of [lines[0], lines.at(-1)]) expect(line).toMatch(/\w{2}/)
  })
})

it('the openai client in one process with the model', { timeout: patience(120_000) }, async () => {
  const args = [...FROM_SOURCES, example('openai-client/in-process.mjs'), 'pocket', 'What is a mistral?']
  const result = await runChild(process.execPath, args, { timeoutMs: 110_000 })
  expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
  const [first, second] = result.stdout.trimEnd().split('\n')
  expect(first).toMatch(/wind/)
  expect(second).toMatch(/\w+ \w+/)
  expect(second).not.toBe(first)
})

const deno = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno')

it.skipIf(!existsSync(deno))('Deno serves the app', { timeout: patience(240_000) }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  // Inside the package, for Deno to know what `#platform` means.
  const client = join(root, 'test', 'server', `deno-child-${process.pid}.ts`)
  try {
    // Stands for the installed package.
    const imports = {
      'mistral-webgpu': pathToFileURL(join(root, 'src/index.ts')).href,
      'mistral-webgpu/server': pathToFileURL(join(root, 'src/server/index.ts')).href,
    }
    const importMap = join(folder, 'imports.json')
    writeFileSync(importMap, JSON.stringify({ imports }))
    // One program: the example beside a client that asks it and then ends it as a service manager would.
    // The example takes no port that it would choose itself.
    const port = await freePort()
    writeFileSync(client, denoClient(pathToFileURL(example('deno/serve.ts')).href, port))
    const flags = ['run', '--no-check', '--conditions=mistral-webgpu-source', '-A', `--import-map=${importMap}`]
    const result = await runChild(deno, [...flags, client, join(root, 'models/pocket'), String(port)], {
      timeoutMs: 220_000,
    })
    const output = `${result.stdout}\n${result.stderr}`
    if (/found no adapter/.test(output)) context.skip('Deno finds no WebGPU adapter: install a Vulkan driver')
    expect(result, output).toMatchObject({ code: 0, hung: false })
    expect(result.stdout).toMatch(/^early loading$/m)
    expect(result.stdout).toMatch(/^ready, with room for 1024 tokens$/m)
    expect(result.stdout).toMatch(/^answer .*wind/m)
    expect(result.stderr).toContain('"route":"/v1/chat/completions"')
  } finally {
    rmSync(client, { force: true })
    rmSync(folder, { recursive: true, force: true })
  }
})

function denoClient(server: string, port: number): string {
  return `
    import process from 'node:process'
    const url = 'http://127.0.0.1:${port}'
    const serving = import(${JSON.stringify(server)})
    let early
    while (early === undefined) {
      early = await fetch(url + '/health').then((r) => r.json(), () => new Promise((resolve) => setTimeout(resolve, 20)))
    }
    console.log('early', early.status)
    await serving
    const messages = [{ role: 'user', content: 'What is a mistral?' }]
    const response = await fetch(url + '/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'mistral', messages, max_tokens: 20, temperature: 0 }),
    })
    console.log('answer', (await response.json()).choices[0].message.content)
    process.kill(process.pid, 'SIGTERM')`
}
