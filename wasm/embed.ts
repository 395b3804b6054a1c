/**
 * Assembles `pack.wat` and writes it in base64 to `src/kernels/pack-simd.gen.ts`. `npm run wasm` writes; `npm run wasm -- --check`
 * fails when the file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import wabt from 'wabt'

const source = new URL('pack.wat', import.meta.url)
const target = new URL('../src/kernels/pack-simd.gen.ts', import.meta.url)

const { parseWat } = await wabt()
const module = parseWat('pack.wat', readFileSync(source, 'utf8'), { simd: true })
module.validate()
const code = Buffer.from(module.toBinary({}).buffer).toString('base64')
const text = `// Made by \`npm run wasm\` from wasm/pack.wat. Do not edit.\nexport const PACK_SIMD =\n  '${code}'\n`
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/kernels/pack-simd.gen.ts is stale: npm run wasm')
  process.exitCode = 1
}
