import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkLayers } from './support/layers.ts'

const src = new URL('../src/', import.meta.url)

/** What the checker says about these files, as `rule file: message`. */
function check(files: Record<string, string>): string[] {
  return checkLayers(new Map(Object.entries(files))).map((found) => `${found.rule} ${found.file}: ${found.message}`)
}

const empty = 'export {}'

describe('the tree of src/', () => {
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
  const files = new Map(
    names.filter((name) => name.endsWith('.ts')).map((name) => [name, readFileSync(new URL(name, src), 'utf8')]),
  )

  it('is what the checker reads', () => {
    expect([...files.keys()]).toEqual(expect.arrayContaining(['errors.ts', 'platform/node.ts', 'platform/types.ts']))
  })

  it('keeps the rules', () => {
    expect(checkLayers(files)).toEqual([])
  })
})

describe('layers', () => {
  it('allow imports downwards, however far, and inside a folder', () => {
    const found = check({
      'errors.ts': empty,
      'index.ts': `export { a } from './chat/a.ts'`,
      'chat/a.ts': `import './b.ts'\nimport { E } from '../errors.ts'\nimport { platform } from '#platform'`,
      'chat/b.ts': `import type { C } from '../gpu/c.ts'\nimport '../platform/types.ts'\nimport 'some-package'`,
      'gpu/c.ts': empty,
      'platform/types.ts': empty,
      'platform/node.ts': `import 'node:fs'\nprocess.exit`,
      'cli/main.ts': `import { openTerminal } from '../platform/terminal.ts'\nimport { version } from '../../package.json'`,
      'platform/terminal.ts': empty,
    })
    expect(found).toEqual([])
  })

  it.each([
    ['import', `import { a } from '../model/a.ts'`],
    ['import for effect', `import '../model/a.ts'`],
    ['import type', `import type { A } from '../model/a.ts'`],
    ['inline type import', `import { type A } from '../model/a.ts'`],
    ['import()', `export const a = () => import('../model/a.ts')`],
    ['import() in a type', `export type A = import('../model/a.ts').A`],
    ['export from', `export { a } from '../model/a.ts'`],
    ['export *', `export * from '../model/a.ts'`],
    ['export type from', `export type { A } from '../model/a.ts'`],
    ['import =', `import a = require('../model/a.ts')`],
  ])('refuse an upward %s', (_, text) => {
    const [found] = check({ 'gpu/b.ts': text, 'model/a.ts': empty })
    expect(found).toBe('layer gpu/b.ts: gpu imports ../model/a.ts from a layer above')
  })

  it.each([
    ['gpu/b.ts', '../formats/a.ts'],
    ['formats/b.ts', '../gpu/a.ts'],
    ['kernels/b.ts', '../tokenizer/a.ts'],
    ['sampling/deep/b.ts', '../../kernels/a.ts'],
  ])('refuse %s → %s, a folder of its own row', (file, specifier) => {
    const target = specifier.replaceAll('../', '')
    expect(check({ [file]: `import '${specifier}'`, [target]: empty })).toEqual([
      expect.stringMatching(/^layer .* row$/),
    ])
  })

  it('refuse what climbs to the root API, to a platform above its layer, and out of src/', () => {
    expect(check({ 'chat/a.ts': `import '../index.ts'`, 'index.ts': empty })).toHaveLength(1)
    expect(check({ 'index.ts': `export * from './server/a.ts'`, 'server/a.ts': empty })).toHaveLength(1)
    expect(check({ 'cli/a.ts': `import '../index.ts'`, 'index.ts': empty })).toEqual([])
    expect(check({ 'errors.ts': `import '#platform'` })).toEqual([expect.stringMatching(/^layer errors.ts/)])
    expect(check({ 'model/a.ts': `import '../../test/x.ts'` })).toEqual([expect.stringMatching(/leaves src/)])
  })

  it('refuse a twin by its own name, and the terminal outside cli', () => {
    const files = { 'platform/node.ts': empty, 'platform/terminal.ts': empty }
    expect(check({ ...files, 'gpu/a.ts': `import '../platform/node.ts'` })).toEqual([
      expect.stringMatching(/say #platform/),
    ])
    expect(check({ ...files, 'chat/a.ts': `import '../platform/terminal.ts'` })).toEqual([
      expect.stringMatching(/only cli/),
    ])
  })

  it('refuse folders that are no layer, files that do not exist, and specifiers that cannot be followed', () => {
    expect(check({ 'utils/a.ts': empty })).toEqual(['layer utils/a.ts: utils is no layer of src/README.md'])
    expect(check({ 'gpu/a.ts': `import './gone.ts'` })).toEqual([expect.stringMatching(/does not exist/)])
    expect(check({ 'gpu/a.ts': `import '#other'` })).toEqual([expect.stringMatching(/does not exist/)])
    const computed = 'export const a = (name: string) => import(name)'
    expect(check({ 'gpu/a.ts': computed, 'platform/a.ts': computed })).toHaveLength(2)
    expect(check({ 'platform/unfollowed.ts': computed })).toEqual([])
  })
})

describe('cycles', () => {
  it('are refused between two files, over three, and of a file with itself', () => {
    expect(check({ 'gpu/a.ts': `import './b.ts'`, 'gpu/b.ts': `import './a.ts'` })).toEqual([
      expect.stringMatching(/^cycle .*gpu\/a.ts → gpu\/b.ts → gpu\/a.ts/),
    ])
    const three = {
      'gpu/a.ts': `import './b.ts'`,
      'gpu/b.ts': `export * from './c.ts'`,
      'gpu/c.ts': `import('./a.ts')`,
    }
    expect(check(three)).toHaveLength(1)
    expect(check({ 'gpu/a.ts': `import './a.ts'` })).toHaveLength(1)
  })

  it('are none when a type closes them, since types are erased', () => {
    expect(check({ 'gpu/a.ts': `import type { B } from './b.ts'`, 'gpu/b.ts': `import './a.ts'` })).toEqual([])
  })

  it('are there when only the name is a type: the import statement itself stays', () => {
    expect(check({ 'gpu/a.ts': `import { type B } from './b.ts'`, 'gpu/b.ts': `import './a.ts'` })).toHaveLength(1)
  })

  it('are no diamond', () => {
    const top = `import './b.ts'\nimport './c.ts'`
    expect(
      check({ 'gpu/a.ts': top, 'gpu/b.ts': `import './d.ts'`, 'gpu/c.ts': `import './d.ts'`, 'gpu/d.ts': '' }),
    ).toEqual([])
  })
})

describe('globals of a runtime', () => {
  it.each([
    ['process', 'export const a = process.argv'],
    ['process', 'export const a = typeof process'],
    ['process', 'export const a = { process }'],
    ['navigator', 'export const a = () => navigator.gpu'],
    ['WebAssembly', 'export const a = () => new WebAssembly.Memory({ initial: 1 })'],
    ['window', 'window.name = ""'],
    ['document', 'export const f = (a = document) => a'],
    ['Buffer', 'export const a = Buffer.alloc(1)'],
    ['Buffer', 'export type A = Buffer'],
    ['NodeJS', 'export type A = NodeJS.Timeout'],
    ['Deno', 'declare const Deno: { a: 1 }\nexport const a = Deno.a'],
    ['Bun', 'export const a = Bun?.version'],
    ['require', `export const a = require('x')`],
    ['__dirname', 'export const a = __dirname'],
    ['localStorage', 'export const a = localStorage'],
    ['globalThis.process', 'export const a = (globalThis as any).process'],
    ['globalThis.navigator', `export const a = globalThis['navigator']`],
    ['globalThis.Deno', 'export const { Deno: a } = globalThis as any'],
    ['import.meta.dirname', 'export const a = import.meta.dirname'],
    ['GPUBufferUsage', 'export const a = GPUBufferUsage.STORAGE'],
    ['GPUMapMode', 'export const a = GPUMapMode.READ'],
    ['GPUDevice', 'export const a = (b: unknown) => b instanceof GPUDevice'],
  ])('are refused: %s in `%s`', (name, text) => {
    expect(check({ 'gpu/a.ts': text })).toContain(`global gpu/a.ts: names ${name}`)
  })

  it.each([`import 'node:fs'`, `import { join } from 'path'`, `import('node:os')`, `import type {} from 'node:http'`])(
    'are refused as modules: %s',
    (text) => {
      expect(check({ 'cli/a.ts': text })).toEqual([expect.stringMatching(/^global cli\/a.ts: imports/)])
    },
  )

  it('are refused as packages that exist in one runtime only, and as ambient types', () => {
    expect(check({ 'gpu/a.ts': `import('webgpu')` })).toHaveLength(1)
    expect(check({ 'gpu/a.ts': `/// <reference types="node" />\nexport {}` })).toHaveLength(1)
  })

  it.each([
    'export const f = (document: string, process: number) => document + process',
    'export const a = { process: 1, window: 2 }; a.process; a.window',
    'export class A { document = 1; get process() { return this.document } }',
    'export interface A { process: number; Buffer: string }',
    `import { Buffer } from 'some-package'\nexport const a = Buffer`,
    'export const f = ({ window: size }: { window: number }) => size',
    'const window = 4\nexport const a = { window }',
    'export const a = (device: GPUDevice): GPUBuffer | undefined => undefined',
    'export const f = (folder: FileSystemDirectoryHandle) => folder.name',
    '// process, window\nexport const a = "navigator"',
    'export const a = [performance, fetch, crypto, Blob, File, TextDecoder, queueMicrotask, structuredClone, console]',
    'export const a = new URL("x.wgsl", import.meta.url)',
  ])('are not seen where there are none: `%s`', (text) => {
    expect(check({ 'gpu/a.ts': text })).toEqual([])
  })
})
