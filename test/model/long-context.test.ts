/** Positions up to the 262,144 of Ministral 3: logits of transformers below and beyond each model's original length. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

interface Probes {
  readonly lead: number
  readonly rows: number
  readonly original: number
  readonly probes: readonly { readonly start: number; readonly ids: readonly number[]; readonly logits: string }[]
}

const FOLDER = fileURLToPath(new URL('../fixtures/long', import.meta.url))
const CASES = readdirSync(FOLDER, { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && !entry.name.startsWith('__'),
)

function probesOf(name: string): Probes {
  return JSON.parse(gunzipSync(readFileSync(`${FOLDER}/${name}/probes.json.gz`)).toString())
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
}

describe('logits of transformers below and beyond the original length', () => {
  test('there are cases of every scaling', () => expect(CASES.length).toBeGreaterThanOrEqual(19))

  test.each(CASES.map(({ name }) => name))('%s', { timeout: patience(240_000) }, async (name) => {
    const { lead, rows, original, probes } = probesOf(name)
    const path = name.startsWith('gguf') ? `${FOLDER}/${name}/model.gguf` : `${FOLDER}/${name}`
    expect(probes.some(({ start }) => start + lead + rows <= original)).toBe(true)
    expect(probes.filter(({ start }) => start > original).length).toBeGreaterThanOrEqual(2)
    await withModel(path, { kvCache: 'f32', contextLength: 262_144, prefillChunk: 64 }, async ({ loaded }) => {
      for (const { start, ids, logits } of probes) {
        loaded.runner.writeTokens(0, start, ids)
        const batch = ids.map((_, i) => ({ sequence: 0, position: start + i, output: i >= lead }))
        const got = (await (await loaded.runner.logits(batch)).result).flatMap((row) => [...row])
        expect(maxDifference(got, floats(logits)), `from position ${start}`).toBeLessThan(1e-3)
      }
    })
  })
})
