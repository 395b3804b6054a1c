/**
 * Reads every shader of this folder, checks it against the binding contract (README.md) and writes
 * `src/gpu/shaders.gen.ts`: the code without comments, and its bindings and constants as types, so that a missing or
 * misspelt one fails `tsc`. `npm run shaders` writes; `npm run shaders -- --check` fails when the file is stale.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readShader, type ShaderFile } from './contract.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const target = fileURLToPath(new URL('../src/gpu/shaders.gen.ts', import.meta.url))

function generate(): string {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.wgsl'))
    .sort()
  const shaders = names.map((name) => readShader(name, readFileSync(`${folder}/${name}`, 'utf8')))
  const head = '// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.\n'
  return `${head}\n${shaders.map(emit).join('\n')}`
}

function emit(shader: ShaderFile): string {
  const identifier = shader.name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return `export const ${identifier} = ${JSON.stringify(shader, null, 2)} as const\n`
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
