/**
 * Reads every shader of this folder, checks it against the binding contract (README.md) and writes
 * `src/gpu/shaders*.gen.ts`: the code without comments, its bindings and constants as types, so that a missing or misspelt
 * one fails `tsc`, and its literal `const`s as numbers. `npm run shaders` writes; `npm run shaders -- --check` fails when a
 * file is stale.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { constsOf, readShader, type ShaderFile } from './contract.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const targets = fileURLToPath(new URL('../src/gpu/', import.meta.url))
const COMMON = 'shaders.gen.ts'

/** Where a shader goes, by its name. What only some checkpoints or requests need can be loaded apart from the rest. */
const FILES: readonly (readonly [names: RegExp, file: string])[] = [
  [/^(?:block_|groups$|unpack$|weights_(?:blocks|columns)$)/, 'shaders-blocks.gen.ts'],
  [/^(?:draw_|shortlist$)/, 'shaders-draw.gen.ts'],
  [/^(?:lora_|start_rows$)/, 'shaders-lora.gen.ts'],
  [/^(?:emit|scale)_norm$/, 'shaders-norms.gen.ts'],
  [/^sampler_math$/, 'shaders-math.gen.ts'],
  [/^rules_/, 'shaders-rules.gen.ts'],
  [/^logprobs$/, 'shaders-logprobs.gen.ts'],
  [/^next_logprobs$/, 'shaders-score.gen.ts'],
  [/^(?:matmul_batch|lane_sum_\w+)$/, 'shaders-batch.gen.ts'],
  [/^(?:matmul_(?:rows|wide)|products_four|rows_(?:blocks|halves|q4|q8|weights)|share_\w+)$/, 'shaders-rows.gen.ts'],
  [/^(?:matmul_(?:tile|matrix)|quants_\w+|tile_(?:emit|f16|f32|int8))$/, 'shaders-gpu.gen.ts'],
  [/^cache_copy$/, 'shaders-copy.gen.ts'],
  [/^round_\w+$/, 'shaders-rounding.gen.ts'],
  [/^digest$/, 'shaders-digest.gen.ts'],
  [/^cache_\w+_q8$/, 'shaders-cache-q8.gen.ts'],
  [/^cache_\w+$/, 'shaders-cache.gen.ts'],
  [/^attention_lanes$/, 'shaders-lanes.gen.ts'],
  [/^(?:attention\w*|tile_max_\w+)$/, 'shaders-attention.gen.ts'],
  [/^/, COMMON],
]

/** The files' contents by name. */
function generate(): Map<string, string> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.wgsl'))
    .sort()
  const files = new Map<string, string>()
  const add = (file: string, text: string) => {
    const head =
      "// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.\nimport type { TypedShader } from './shader.ts'\n"
    if (text !== '') files.set(file, `${files.get(file) ?? head}\n${text}`)
  }
  for (const name of names) {
    const source = readFileSync(`${folder}/${name}`, 'utf8')
    const shader = readShader(name, source)
    add(FILES.find(([pattern]) => pattern.test(shader.name))![1], emit(shader))
    // The numbers are needed before the shader is.
    add(COMMON, emitConsts(name, source))
  }
  return files
}

function emit({ name, provides, needs, enables, bindings, constants, code }: ShaderFile): string {
  const identifier = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  const having = (default_: 'required' | 'optional') =>
    union(Object.keys(constants).filter((constant) => constants[constant] === default_))
  const type = `TypedShader<${union(Object.keys(bindings))}, ${having('required')}, ${having('optional')}>`
  const lists = { ...(needs.length > 0 && { needs }), ...(enables.length > 0 && { enables }) }
  const module = { name, ...(provides !== undefined && { provides }), ...lists, code }
  return `export const ${identifier}: ${type} = ${JSON.stringify(module, null, 2)}\n`
}

function union(names: readonly string[]): string {
  return names.length === 0 ? 'never' : names.map((name) => `'${name}'`).join(' | ')
}

/** An export of its own, which a bundle leaves out where nobody uses it. */
function emitConsts(fileName: string, source: string): string {
  const consts = constsOf(source)
  if (Object.keys(consts).length === 0) return ''
  const identifier = fileName.replace('.wgsl', '').toUpperCase()
  return `export const ${identifier} = ${JSON.stringify(consts, null, 2)} as const\n`
}

for (const [file, text] of generate()) {
  if (!process.argv.includes('--check')) writeFileSync(targets + file, text)
  else if (readFileSync(targets + file, 'utf8') !== text) {
    console.error(`src/gpu/${file} is stale: run \`npm run shaders\``)
    process.exitCode = 1
  }
}
