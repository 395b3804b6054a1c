import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { AbortError, CheckpointError } from '../../src/errors.ts'
import { platform } from '../../src/platform/node.ts'
import { root, runChild, runModule } from '../support/child.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** `length` bytes, each telling its place. */
function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => ((from + at) * 31 + ((from + at) >> 8)) & 255)
}

describe('files', () => {
  const path = join(folder, 'data.bin')
  writeFileSync(path, pattern(5000))

  it('reads exact ranges, several at once', async () => {
    const file = await platform.openFile(path)
    expect(file.size).toBe(5000)
    const ranges = [
      [0, 5000],
      [4999, 1],
      [17, 4000],
      [5000, 0],
      [300, 5],
    ] as const
    const read = await Promise.all(ranges.map(([offset, length]) => file.read(offset, length)))
    for (const [at, [offset, length]] of ranges.entries()) expect(read[at]).toEqual(pattern(length, offset))
    await file.close()
  })

  it('reads past what one call returns', async () => {
    const large = join(folder, 'large.bin')
    const length = 40 * 2 ** 20 + 3
    writeFileSync(large, '')
    truncateSync(large, length - 4)
    writeFileSync(large, pattern(4), { flag: 'a' })
    const file = await platform.openFile(large)
    const bytes = await file.read(1, length - 1)
    expect(bytes.length).toBe(length - 1)
    expect(bytes.subarray(-4)).toEqual(pattern(4))
    expect(bytes.subarray(0, -4).every((byte) => byte === 0)).toBe(true)
    await file.close()
  })

  it.each([
    [4990, 11],
    [5001, 0],
    [-1, 5],
    [0, -1],
    [Number.NaN, 1],
    [0, 2 ** 52],
  ])('refuses the range %d + %d at once, naming the file', async (offset, length) => {
    const file = await platform.openFile(path)
    await expect(file.read(offset, length)).rejects.toThrow(CheckpointError)
    await expect(file.read(offset, length)).rejects.toMatchObject({ file: path, fact: expect.stringContaining('5000') })
    await file.close()
  })

  it('notices a file that shrank after it was opened', async () => {
    const shrinking = join(folder, 'shrinking.bin')
    writeFileSync(shrinking, pattern(1000))
    const file = await platform.openFile(shrinking)
    truncateSync(shrinking, 600)
    await expect(file.read(500, 200)).rejects.toThrow('the file ends at 600')
    await file.close()
  })

  it('stops at an aborted signal', async () => {
    const file = await platform.openFile(path)
    await expect(file.read(0, 10, AbortSignal.abort('enough'))).rejects.toThrow(AbortError)
    await file.close()
  })

  it('says what cannot be opened', async () => {
    await expect(platform.openFile(join(folder, 'none'))).rejects.toThrow(/none: cannot be opened.*ENOENT/)
    await expect(platform.openFile(folder)).rejects.toThrow(CheckpointError)
    await expect(platform.openFile('a\0b')).rejects.toThrow(CheckpointError)
  })

  it.skipIf(process.platform === 'win32')('does not wait for the writer of a named pipe', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await expect(platform.openFile(pipe)).rejects.toThrow('is not a regular file')
    expect(await platform.pathKind(pipe)).toBeUndefined()
  })
})

it('tells files from folders from nothing', async () => {
  const file = join(folder, 'kind.txt')
  writeFileSync(file, 'x')
  mkdirSync(join(folder, 'sub'))
  symlinkSync(file, join(folder, 'link'))
  expect(await platform.pathKind(file)).toBe('file')
  expect(await platform.pathKind(join(folder, 'link'))).toBe('file')
  expect(await platform.pathKind(join(folder, 'sub'))).toBe('folder')
  for (const nothing of ['absent', join('kind.txt', 'below'), 'x'.repeat(5000), 'nul\0', '']) {
    expect(await platform.pathKind(nothing === '' ? '' : join(folder, nothing))).toBeUndefined()
  }
  expect(platform.joinPath('a/b/', 'c.json')).toBe(join('a', 'b', 'c.json'))
})

describe('WebGPU', () => {
  const program = (body: string): string => `
    const { platform } = await import('#platform')
    ${body}
    console.log('end', platform.name)`

  it('lets the process end by itself after the device is destroyed', async () => {
    const result = await runModule(
      program(`
        const entry = await platform.openGpu()
        const adapter = await entry.requestAdapter()
        const device = await adapter.requestDevice()
        device.lost.then((info) => console.log('lost', info.reason))
        const buffer = device.createBuffer({ size: 16, usage: 12 })
        device.queue.writeBuffer(buffer, 0, new Uint32Array(4))
        await device.queue.onSubmittedWorkDone()
        device.destroy()`),
    )
    expect(result).toMatchObject({ code: 0, hung: false, signal: undefined })
    expect(result.stdout).toContain('end node')
    expect(result.stdout).toContain('lost destroyed')
  })

  it('keeps Dawn alive while only the adapter is held, through collections', async () => {
    const result = await runModule(
      program(`
        let entry = await platform.openGpu()
        const adapter = await entry.requestAdapter()
        entry = undefined
        for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)) }
        const device = await adapter.requestDevice()
        for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)) }
        device.destroy()`),
      { nodeArgs: ['--expose-gc'] },
    )
    expect(result).toMatchObject({ code: 0, hung: false, signal: undefined })
    expect(result.stdout).toContain('end node')
  })

  it('opens the null backend, which executes nothing, beside the real one', async () => {
    const result = await runModule(
      program(`
        const [a, b, c] = await Promise.all([
          platform.openGpu({ backend: 'null' }), platform.openGpu({ backend: 'null' }), platform.openGpu(),
        ])
        // One invocation that turns a 5 into a 7, read back. The null backend gives whatever lay in that memory.
        const run = async (gpu) => {
          const device = await (await gpu.requestAdapter()).requestDevice()
          const code = '@group(0) @binding(0) var<storage, read_write> a: u32; @compute @workgroup_size(1) fn f() { a = 7u; }'
          const module = device.createShaderModule({ code })
          const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
          const result = device.createBuffer({ size: 4, usage: 128 | 4 | 8 })
          device.queue.writeBuffer(result, 0, new Uint32Array([5]))
          const staging = device.createBuffer({ size: 4, usage: 1 | 8 })
          const entries = [{ binding: 0, resource: { buffer: result } }]
          const encoder = device.createCommandEncoder()
          const pass = encoder.beginComputePass()
          pass.setPipeline(pipeline)
          pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
          pass.dispatchWorkgroups(1)
          pass.end()
          encoder.copyBufferToBuffer(result, 0, staging, 0, 4)
          device.queue.submit([encoder.finish()])
          await staging.mapAsync(1)
          const value = new Uint32Array(staging.getMappedRange())[0]
          device.destroy()
          return value
        }
        console.log(JSON.stringify([await run(a), await run(c), a === b, a === c]))`),
    )
    expect(result).toMatchObject({ code: 0, hung: false })
    const [onNull, onDefault, same, shared] = JSON.parse(result.stdout.split('\n')[0]!)
    expect(onNull).not.toBe(7)
    expect([onDefault, same, shared]).toEqual([7, true, false])
  })

  it('says what to install where the package webgpu is missing', async () => {
    // Compiled into a folder from which no node_modules is reachable.
    const below = ['async', 'errors', 'platform'].flatMap((layer) =>
      readdirSync(join(root, 'src', layer)).map((name) => `${layer}/${name}`),
    )
    const sources = ['errors.ts', ...below]
    for (const name of sources) {
      const { outputText } = ts.transpileModule(readFileSync(join(root, 'src', name), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2022,
          rewriteRelativeImportExtensions: true,
        },
      })
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name.replace(/ts$/, 'js')), outputText)
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const source = `import { platform } from './platform/node.js'
      await platform.openGpu().catch((error) => console.log(error.name, error.message))`
    const result = await runChild(process.execPath, ['--input-type=module', '-e', source], { cwd: folder })
    expect(result.stdout).toMatch(
      /^DeviceError .*npm install webgpu \(with npx: npx -p mistral-webgpu -p webgpu mistral-webgpu …\)\n$/,
    )
    expect(result.code).toBe(0)
  })
})
