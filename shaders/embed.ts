/**
 * Reads every shader of this folder, checks it against the binding contract (README.md) and writes
 * `src/gpu/shaders.gen.ts`: the code without comments, its bindings and constants as types, so that a missing or misspelt
 * one fails `tsc`, and its literal `const`s as numbers. `npm run shaders` writes; `npm run shaders -- --check` fails when the file is stale.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { constsOf, readShader, type ShaderFile } from './contract.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const target = fileURLToPath(new URL('../src/gpu/shaders.gen.ts', import.meta.url))

function generate(): string {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.wgsl'))
    .sort()
  const shaders = names.map((name) => {
    const source = readFileSync(`${folder}/${name}`, 'utf8')
    return emit(readShader(name, source)) + emitConsts(name, source)
  })
  const head = '// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.\n'
  return `${head}\n${shaders.join('\n')}`
}

function emit(shader: ShaderFile): string {
  const identifier = shader.name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return `export const ${identifier} = ${JSON.stringify(shader, null, 2)} as const\n`
}

/** An export of its own, which a bundle leaves out where nobody uses it. */
function emitConsts(fileName: string, source: string): string {
  const consts = constsOf(source)
  if (Object.keys(consts).length === 0) return ''
  const identifier = fileName.replace('.wgsl', '').toUpperCase()
  return `\nexport const ${identifier} = ${JSON.stringify(consts, null, 2)} as const\n`
}

const fresh = generate()
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== fresh) {
    console.error('src/gpu/shaders.gen.ts is stale: run `npm run shaders`')
    process.exitCode = 1
  }
} else {
  writeFileSync(target, fresh)
}
