/** The embedded model, as code and as a folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as esbuild } from 'esbuild'
import { build } from 'vite'
import { afterAll, describe, expect, it } from 'vitest'
import { base64Reader } from '../../src/formats/base64-reader.ts'
import { blobReader, type CustomReader, customReader } from '../../src/formats/byte-reader.ts'
import pocket from '../../src/formats/pocket.ts'
import { filesBeside } from '../../src/formats/pocket-node.ts'
import { openSource } from '../../src/formats/source.ts'
import { root, runChild } from '../support/child.ts'
import { patience } from '../support/patience.ts'

const folder = join(root, 'models/pocket')

describe('a text in base64', () => {
  const bytes = Uint8Array.from({ length: 41 }, (_, i) => (i * 37 + 11) & 255)

  it('gives every range of every length of file', async () => {
    for (let size = 0; size <= bytes.length; size++) {
      const reader = customReader('x', base64Reader(Buffer.from(bytes.subarray(0, size)).toString('base64')))
      expect(reader.size).toBe(size)
      for (let offset = 0; offset <= size; offset++) {
        for (let length = 0; offset + length <= size; length++) {
          const got = await reader.read(offset, length)
          if (Buffer.compare(got, bytes.subarray(offset, offset + length)) !== 0)
            throw new Error(`${length} bytes at ${offset} of ${size} are ${got}`)
        }
      }
    }
  })

  it('refuses what lies outside the file', async () => {
    const reader = customReader('x', base64Reader(Buffer.from(bytes).toString('base64')))
    await expect(reader.read(40, 2)).rejects.toThrow('ends at byte 41')
  })
})

describe('the embedded model', () => {
  it.each([
    ['by its name', 'pocket'],
    ['as a source', pocket],
  ])('%s is the folder models/pocket', async (_, source) => {
    const files = await openSource(source)
    try {
      for (const name of readdirSync(folder).filter((name) => /json|safetensors$/.test(name))) {
        const expected = blobReader(name, new Blob([readFileSync(join(folder, name))]))
        const reader = (await files.open(name))!
        expect(reader.size).toBe(expected.size)
        const range = [Math.floor(expected.size / 3), Math.min(1000, Math.floor(expected.size / 3))] as const
        expect(await reader.read(...range)).toEqual(await expected.read(...range))
      }
      expect(await files.open('model.gguf')).toBeUndefined()
    } finally {
      await files.close()
    }
  })
})

describe('in a bundle of CommonJS', () => {
  const COMMONJS = { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs' } as const
  const output = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  afterAll(() => rmSync(output, { recursive: true, force: true }))

  it('the name is refused with what to write instead', { timeout: patience(120_000) }, async () => {
    const entry = join(output, 'entry.mjs')
    writeFileSync(
      entry,
      `import { MistralError, MistralModel } from 'mistral-webgpu'
      MistralModel.load('pocket').catch((error) => console.log([error instanceof MistralError, error.name, error.message].join(" ")))`,
    )
    await build({
      configFile: false,
      logLevel: 'error',
      root: output,
      resolve: {
        alias: { 'mistral-webgpu': join(root, 'src/index.ts') },
        conditions: ['mistral-webgpu-source', 'node'],
      },
      ssr: { noExternal: true, external: ['webgpu'], resolve: { conditions: ['mistral-webgpu-source', 'node'] } },
      build: { ssr: entry, outDir: join(output, 'out'), rolldownOptions: { output: COMMONJS } },
    })
    const result = await runChild(process.execPath, [join(output, 'out', 'entry.cjs')], { cwd: output })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(
      /^true ParameterError parameter "source".*import pocket from 'mistral-webgpu\/pocket'/,
    )
  })
})

describe('in Node, the texts of the module that the build makes', () => {
  const beside = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
  afterAll(() => rmSync(beside, { recursive: true, force: true }))
  const names = ['config.json', 'model.safetensors']
  const url = pathToFileURL(join(beside, 'pocket-node.js')).href
  const made = async (minify: boolean) => {
    const texts = names.map((name) => [name, readFileSync(join(folder, name), 'base64')])
    const define = { POCKET_FILES: JSON.stringify(Object.fromEntries(texts)) }
    const entryPoints = [join(root, 'src/formats/pocket-embedded.ts')]
    const { outputFiles } = await esbuild({ entryPoints, define, minify, bundle: true, format: 'esm', write: false })
    return outputFiles[0]!.text
  }

  it.each([false, true])('are found in its file (minified: %s)', async (minify) => {
    writeFileSync(join(beside, 'pocket-embedded.js'), await made(minify))
    const files = (await filesBeside(url))!
    expect(files.list?.()).toEqual(names)
    for (const name of names) {
      const reader = customReader(name, (await files.open(name)) as CustomReader)
      const expected = readFileSync(join(folder, name))
      expect(reader.size).toBe(expected.length)
      expect(Buffer.compare(await reader.read(5, expected.length - 7), expected.subarray(5, -2))).toBe(0)
    }
    expect(await files.open('tokenizer.json')).toBeUndefined()
  })

  it.each([
    ['no texts', 'export default {}'],
    ['another object', `var licence = { "of": "somebody" }; var files = { "model.safetensors": "AAAA" }`],
    ['a text that does not end', `var files = { "model.safetensors": "AAAA`],
    ['more than texts', `var files = { "model.safetensors": "AAAA", "size": 3 }`],
  ])('are left to the import where it has %s', async (_, script) => {
    writeFileSync(join(beside, 'pocket-embedded.js'), script)
    expect(await filesBeside(url)).toBeUndefined()
  })

  it('are left to the import where there is no such file, or no address', async () => {
    expect(await filesBeside(pathToFileURL(join(beside, 'elsewhere', 'bundle.js')).href)).toBeUndefined()
    expect(await filesBeside(undefined as unknown as string)).toBeUndefined()
  })
})
