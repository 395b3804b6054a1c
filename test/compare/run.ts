/**
 * Compares the checkpoints that `make.py` made with what transformers computes for them; says which differ.
 *
 *   node tools/with-adapter.mjs node --conditions=mistral-webgpu-source --import tsx test/compare/run.ts FOLDER [NAME…]
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MistralModel } from '../../src/index.ts'
import { maxDifference } from '../support/fixtures.ts'

const LIMIT = 2e-3
const [root = '', ...names] = process.argv.slice(2)
const cases = readdirSync(root).filter((name) => names.length === 0 || names.includes(name))
let wrong = 0
for (const name of cases.sort()) {
  const folder = join(root, name)
  const { prompt, note } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'))
  const bytes = Uint8Array.from(readFileSync(join(folder, 'logits.bin')))
  let said: string
  try {
    said = await compare(folder, prompt, new Float32Array(bytes.buffer))
  } catch (error) {
    said = String(error)
  }
  if (said !== '') wrong++
  console.log(`${said === '' ? 'ok   ' : 'WRONG'} ${name} ${note} ${said}`)
}
console.log(`${cases.length} checkpoints, ${wrong} wrong`)
process.exitCode = wrong > 0 ? 1 : 0

/** What differs; empty when nothing does. */
async function compare(folder: string, prompt: readonly number[], expected: Float32Array): Promise<string> {
  const gguf = readdirSync(folder).find((name) => name.endsWith('.gguf'))
  const model = await MistralModel.load(gguf === undefined ? folder : join(folder, gguf), {
    kvCache: 'f32',
    prefillChunk: 16,
  })
  try {
    const logits = Float32Array.from((await model.logits(prompt)).flatMap((row) => [...row]))
    const difference = maxDifference(logits, expected)
    return difference < LIMIT ? '' : `logits differ by ${difference}`
  } finally {
    model.dispose()
  }
}
