import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { Engine, type EngineOptions } from '../../src/model/engine.ts'
import { disabledFeatures } from '../support/features.ts'

interface Reference {
  readonly prompt: readonly number[]
  readonly logits: Float32Array
  readonly greedy: readonly number[]
  readonly vocab: number
}

const CASES = [
  'head-dim',
  'sharded-bf16',
  'tied-f16',
  'window-4',
  'window-7',
  'llama-linear',
  'llama-llama3',
  'layer-types',
  'config-v4',
  'gguf-f32',
  'gguf-f16',
  'gguf-bf16',
  'gguf-q8_0',
  'gguf-q4_0',
  'gguf-tied-q8_0',
  'gguf-mixed',
] as const

function fixture(name: string): { path: string; reference: Reference } {
  const path = fileURLToPath(new URL(`../fixtures/checkpoints/${name}`, import.meta.url))
  const json = JSON.parse(readFileSync(`${path}/reference.json`, 'utf8'))
  const bytes = Uint8Array.from(Buffer.from(json.logits, 'base64'))
  const logits = new Float32Array(bytes.buffer)
  return { path, reference: { prompt: json.prompt, greedy: json.greedy, logits, vocab: json.shape[1] } }
}

async function withEngine<T>(path: string, options: EngineOptions, use: (engine: Engine) => Promise<T>): Promise<T> {
  const files = await openSource(path)
  const engine = await Engine.load(await openCheckpoint(files), { disableFeatures: disabledFeatures(), ...options })
  try {
    return await use(engine)
  } finally {
    engine.dispose()
    await files.close()
  }
}

/** Logits of all rows, [T, V], computed in batches of the given size. */
async function logitsOf(engine: Engine, tokens: readonly number[], chunk: number, sequence = 0): Promise<Float32Array> {
  const all: number[] = []
  for (let first = 0; first < tokens.length; first += chunk) {
    const rows = tokens
      .slice(first, first + chunk)
      .map((token, i) => ({ token, sequence, position: first + i, wantsLogits: true }))
    for (const logits of await engine.runner.run(rows)) all.push(...logits)
  }
  return Float32Array.from(all)
}

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= most)) most = difference
  }
  return most
}

describe('logits equal those of Hugging Face transformers', () => {
  for (const name of CASES) {
    test(name, async () => {
      const { path, reference } = fixture(name)
      await withEngine(path, { kvCache: 'f32' }, async (engine) => {
        for (const chunk of [32, 1, 3, 7, 13]) {
          const logits = await logitsOf(engine, reference.prompt, chunk)
          expect(maxDifference(logits, reference.logits), `chunk ${chunk}`).toBeLessThan(1e-3)
        }
      })
      await withEngine(path, { kvCache: 'f16' }, async (engine) => {
        const logits = await logitsOf(engine, reference.prompt, 32)
        expect(maxDifference(logits, reference.logits), 'f16 cache').toBeLessThan(4e-2)
      })
    })
  }
})

test('every fixture is tested', () => {
  const folder = fileURLToPath(new URL('../fixtures/checkpoints', import.meta.url))
  for (const name of CASES) expect(existsSync(`${folder}/${name}/reference.json`)).toBe(true)
})
