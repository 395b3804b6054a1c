/** Prompts by the kernels of sixteen rows, which are compiled when nothing else is to do: the logits are those of the kernels before. */
import { afterAll, expect, test } from 'vitest'
import { randomCheckpoint } from '../../src/cli/bench/random-checkpoint.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { CACHE_LAYOUTS } from '../../src/kernels/cache-layouts.ts'
import { createCache } from '../../src/model/kv-cache.ts'
import { Mistral } from '../../src/model/mistral.ts'
import { Runner } from '../../src/model/runner.ts'
import { loadWeights } from '../../src/model/weights.ts'
import { createWorkspace } from '../../src/model/workspace.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures(), tuning: { uniformRows: 1 } })
afterAll(() => gpu.dispose())

test.runIf(gpu.software)('change over, and stay the same bit for bit', { timeout: patience(240_000) }, async () => {
  const checkpoint = randomCheckpoint('tiny', 2, 'q4')
  const { config } = checkpoint
  const layout = CACHE_LAYOUTS.f32
  const sizes = { maxRows: 64, maxOutputs: 8, maxSequences: 2, positions: 128, vocabSize: config.vocabSize, layout }
  const cache = createCache(gpu, config, { ...sizes, chunk: 64 })
  const workspace = createWorkspace(gpu, config, sizes)
  const weights = await loadWeights(gpu, checkpoint, { weights: 'native' })
  const runner = new Runner(new Mistral(gpu, config, weights, cache, workspace), 64, 8)
  await runner.warmUp()
  const { meanwhile } = runner.recordings
  meanwhile!.noneAlone()
  const tokens = Array.from({ length: 43 }, (_, i) => (i * 37) % config.vocabSize)
  runner.writeTokens(0, 0, tokens)
  const prompt = async (rows: number, outputs: number) => {
    const before = gpu.counters.dispatches
    const all = Array.from({ length: rows }, (_, position) => ({
      sequence: 0,
      position,
      output: position >= rows - outputs,
    }))
    const logits = await (await runner.logits(all)).result
    return { logits, dispatches: gpu.counters.dispatches - before }
  }
  await prompt(9, 1)
  await prompt(9, 2)
  const idle = meanwhile!.idle
  await expect.poll(() => idle.pending, { timeout: patience(200_000) }).toBe(0)
  const awake = idle.hold()
  const isWide = gpu.tuning.subgroupLanes >= 8
  for (const [rows, outputs] of [
    [16, 1],
    [43, 1],
    [25, 2],
  ] as const) {
    const wide = await prompt(rows, outputs)
    const promptOf = meanwhile!.promptOf
    meanwhile!.promptOf = (counted, recordings) => recordings.prompt(counted)
    const before = await prompt(rows, outputs)
    meanwhile!.promptOf = promptOf
    expect(wide.logits).toEqual(before.logits)
    expect(wide.logits[0]!.some((value) => value !== 0)).toBe(true)
    // Nobody else gains by them.
    if (isWide) expect(wide.dispatches).toBeLessThan(before.dispatches)
    else expect(wide.dispatches).toBe(before.dispatches)
  }
  awake()
})
