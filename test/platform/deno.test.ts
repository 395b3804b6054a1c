import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { root, runChild } from '../support/child.ts'

const deno = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno')
const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a module in Deno that has `platform` and `folder` and prints what `report` was called with. */
async function inDeno(body: string): Promise<unknown> {
  const file = join(root, 'test', 'platform', `deno-child-${process.pid}.ts`)
  writeFileSync(
    file,
    `import { platform } from '#platform'
    const folder = ${JSON.stringify(folder)}
    const report = (value: unknown) => console.log(JSON.stringify(value))
    const failure = (promise: Promise<unknown>) => promise.then(() => 'none', (e) => e.name + ': ' + e.message)
    ${body}`,
  )
  try {
    const result = await runChild(deno, ['run', '--no-check', '--conditions=mistral-webgpu-source', '-A', file])
    expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
    return JSON.parse(result.stdout.trim().split('\n').at(-1)!)
  } finally {
    rmSync(file)
  }
}

describe.skipIf(!existsSync(deno))('the platform of Deno', () => {
  it('is what #platform means there, and reads ranges, each by its own cursor', async () => {
    writeFileSync(
      join(folder, 'data.bin'),
      Uint8Array.from({ length: 5000 }, (_, at) => at & 255),
    )
    const found = await inDeno(`
      const file = await platform.openFile(platform.joinPath(folder, 'data.bin'))
      const read = await Promise.all([[0, 5000], [300, 2], [4999, 1], [5000, 0], [10, 3]].map(([o, n]) => file.read(o!, n!)))
      const late = await failure(file.read(4999, 2))
      const aborted = await failure(file.read(0, 1, AbortSignal.abort()))
      await file.close()
      report([platform.name, file.size, read[0]!.every((byte, at) => byte === (at & 255)), read.slice(1).map((b) => [...b]), late, aborted])`)
    expect(found).toEqual([
      'deno',
      5000,
      true,
      [[44, 45], [135], [], [10, 11, 12]],
      expect.stringMatching(/^CheckpointError: .*the file ends at 5000/),
      expect.stringMatching(/^AbortError/),
    ])
  })

  it('tells files from folders from nothing', async () => {
    writeFileSync(join(folder, 'file'), 'x')
    const found = await inDeno(`
      const paths = ['', '/file', '/absent', '/file/below', '/' + 'x'.repeat(5000), '/nul\\0']
      const kinds = await Promise.all(paths.map((path) => platform.pathKind(folder + path)))
      const failures = await Promise.all([folder, folder + '/absent'].map((path) => failure(platform.openFile(path))))
      report([kinds.map((kind) => kind ?? 'nothing'), failures])`)
    expect(found).toEqual([
      ['folder', 'file', 'nothing', 'nothing', 'nothing', 'nothing'],
      [expect.stringMatching(/^CheckpointError.*regular/), expect.stringMatching(/^CheckpointError.*cannot be opened/)],
    ])
  })

  it('has WebGPU without a flag, and names the flag of old ones where it is missing', async () => {
    expect(await inDeno('report(typeof (await platform.openGpu()).requestAdapter)')).toBe('function')
    const missing = `
      Object.defineProperty(navigator, 'gpu', { value: undefined })
      report(await failure(platform.openGpu()))`
    expect(await inDeno(missing)).toMatch(/^DeviceError: .*Deno 1 only with the flag --unstable-webgpu/)
  })
})
