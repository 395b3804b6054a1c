/** What JavaScript does as long as kernels are compiled: it chooses what they choose, and the first prompt goes without some. */
import { expect, test } from 'vitest'
import type { MistralModel, SamplingInput } from '../../src/index.ts'
import { MistralModel as Model } from '../../src/index.ts'
import type { Runner } from '../../src/model/runner.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const load = { kvCache: 'f32', prefillChunk: 32, maxSequences: 3 } as const
const WAIT = { timeout: patience(120_000) }
const prompts = [20, 5, 11].map((length, i) => promptOf(60 + i, length, reference.vocab))

const PARAMS: Record<string, SamplingInput> = {
  greedy,
  'a small top_k': { seed: 1, temperature: 0.7, top_p: 0.95 },
  'the whole vocabulary': { seed: 2, top_k: 0, temperature: 1.5 },
  'a least probability': { seed: 3, top_k: 0, temperature: 2, min_p: 0.02 },
  'typical tokens': { seed: 4, temperature: 1.5, typical_p: 0.7, top_p: 0.9 },
  cutoffs: { seed: 5, top_k: 0, temperature: 1.2, epsilon_cutoff: 0.004, eta_cutoff: 0.01 },
  'a large seed': { seed: 2n ** 63n - 5n, temperature: 1.3 },
  'rules, greedy': { ...greedy, repetition_penalty: 1.4, no_repeat_ngram_size: 2, min_new_tokens: 5 },
  'rules, drawing': {
    seed: 6,
    temperature: 1.6,
    frequency_penalty: 0.7,
    presence_penalty: 0.3,
    repetition_penalty: 0.8,
    logit_bias: { 5: 3, 9: -2 },
    sequence_bias: [
      [[7], 1.5],
      [[5, 7], -1],
    ],
    bad_words_ids: [[11], [5, 9]],
    suppress_tokens: [13],
  },
}

/** Lets in a third of the vocabulary, which changes from token to token. All write into one array: what a constraint gives is read at once. */
class Thirds {
  static readonly words = new Uint32Array(Math.ceil(reference.vocab / 32))
  private accepted = 0

  mask(): Uint32Array {
    const { words } = Thirds
    words.fill(0)
    for (let id = this.accepted % 3; id < reference.vocab; id += 3) words[id >>> 5]! |= 1 << (id & 31)
    return words
  }

  accept(): void {
    this.accepted++
  }
}

/** How often each way to choose is asked for from now on; `always` makes JavaScript choose wherever it can. */
function watch(runner: Runner, always: boolean) {
  const asked = { script: 0, kernels: 0 }
  const { recordings } = runner
  recordings.endingsState = ({ logged }) => {
    const isScript = always && !logged
    asked[isScript ? 'script' : 'kernels']++
    return isScript ? 'chosen here' : 'ready'
  }
  return asked
}

async function answers(model: MistralModel, params: SamplingInput): Promise<number[][]> {
  const all = { max_tokens: 9, ignore_eos: true, ...params }
  return Promise.all(prompts.map((prompt) => tokensOf(model.generate(prompt, all))))
}

test.each([1, 4])('JavaScript chooses what the kernels choose, %i steps at a time', WAIT, async (stepsPerReadback) => {
  const given = async (always: boolean) =>
    withModel(path, { ...load, stepsPerReadback }, async (model) => {
      const asked = watch(model.loaded.runner, always)
      const all: Record<string, number[][]> = {}
      for (const [name, params] of Object.entries(PARAMS)) all[name] = await answers(model, params)
      const masked = { ...PARAMS['rules, drawing'], max_tokens: 9, ignore_eos: true }
      const answer = async (prompt: readonly number[], i: number) => {
        // Each begins elsewhere, so that their masks differ.
        const constraint = () => Object.assign(new Thirds(), { accepted: i })
        return tokensOf(model.generate(prompt, masked, { constraint }))
      }
      all.masked = await Promise.all(prompts.map(answer))
      for (const [first, ids] of all.masked.entries()) {
        for (const [i, id] of ids.entries()) expect(id % 3).toBe((first + i) % 3)
      }
      expect(asked[always ? 'kernels' : 'script']).toBe(0)
      expect(asked[always ? 'script' : 'kernels']).toBeGreaterThan(0)
      return all
    })
  expect(await given(true)).toEqual(await given(false))
})

test('a request with log-probabilities waits for kernels', WAIT, async () => {
  await withModel(path, load, async (model) => {
    const params = { seed: 1, max_tokens: 4, ignore_eos: true, repetition_penalty: 1.3, logprobs: true }
    const before = await tokensOf(model.generate(prompts[0]!, params))
    const asked = watch(model.loaded.runner, true)
    expect(await tokensOf(model.generate(prompts[0]!, params))).toEqual(before)
    expect(asked.script).toBe(0)
  })
})

test('what does not compile is an error, and is not chosen here forever', WAIT, async () => {
  await withModel(path, { ...load, firstSampler: 'short' }, async (model) => {
    const { recordings } = model.loaded.runner
    const isSoftware = model.loaded.gpu.software
    expect(recordings.endingsState({ ruled: false, kind: 'dense', logged: false })).toBe(
      isSoftware ? 'chosen here' : 'compiled later',
    )
    const { device, tuning } = model.loaded.gpu
    device.createComputePipelineAsync = () => Promise.reject(new Error('no more'))
    // The kernel for all tokens is not missed for long where it takes the longest.
    const top_k = isSoftware && tuning.subgroupLanes === 4 ? 50 : 0
    const params = { seed: 1, top_k, max_tokens: 40, ignore_eos: true }
    await expect(tokensOf(model.generate(prompts[0]!, params))).rejects.toThrow(/does not compile .*no more/)
  })
})

test('the first prompts give what they give later, by whatever kernels', WAIT, async () => {
  const params = { ...greedy, max_tokens: 6 }
  const first = await withModel(path, load, (model) => tokensOf(model.generate(prompts[0]!, params)))
  await withModel(path, load, async (model) => {
    const { recordings } = model.loaded.runner
    const names: string[] = []
    const remember = recordings.remember.bind(recordings)
    recordings.remember = (name, record) => {
      names.push(name)
      return remember(name, record)
    }
    await tokensOf(model.generate(prompts[2]!, params))
    await tokensOf(model.generate(prompts[1]!, params))
    const { software, tuning } = model.loaded.gpu
    // Where compilers take long the second goes without the kernels for many rows, too.
    const alone = software ? (tuning.subgroupLanes === 4 ? 2 : 1) : 0
    expect(names.filter((name) => name === 'prompt alone')).toHaveLength(alone)
    // So many rows went through the kernels of single rows that those of many would have been compiled meanwhile.
    recordings.meanwhile?.noneAlone()
    names.length = 0
    expect(await tokensOf(model.generate(prompts[0]!, params))).toEqual(first)
    expect(names).toContain('prompt 1')
    expect(names).not.toContain('prompt alone')
  })
})

test('a lost device is told of while JavaScript chooses', WAIT, async () => {
  const model = await Model.load(path, { ...load, disableFeatures: disabledFeatures(), maxRecoveries: 0 })
  watch(model.loaded.runner, true)
  const steps = model.generate(prompts[0]!, { ...greedy, max_tokens: 40 })
  await steps.next()
  model.loaded.gpu.device.destroy()
  await expect(tokensOf(steps)).rejects.toThrow(/device/)
  model.dispose()
})
