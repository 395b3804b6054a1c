/**
 * Writes a folder with a model that has tools and thoughts, for clients to ask: random weights under a real vocabulary (v13).
 *
 *   npx tsx --conditions=mistral-webgpu-source test/compare/client_model.ts FOLDER
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asFolder, randomModel } from '../reference/random-model.ts'
import { tekkenFile, vocabulary } from '../tokenizer/formats.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('which folder?')
const { vocabSize } = await vocabulary('tekken-v13-think')
const heads = { nHeads: 2, nKvHeads: 1, headDim: 16 }
const shape = { dim: 32, nLayers: 1, ...heads, hiddenDim: 32, vocabSize, normEps: 1e-5, ropeTheta: 10000 }
const files = {
  ...asFolder(randomModel({ ...shape, slidingWindow: undefined }, 3)),
  'tekken.json': JSON.stringify(tekkenFile('v13-think')),
}
mkdirSync(folder, { recursive: true })
for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data)
