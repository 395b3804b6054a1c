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

/** How often each way to choose is asked for from now on; JavaScript chooses so often as `most` says. */
function watch(runner: Runner, most: number) {
  const asked = { script: 0, kernels: 0 }
  const { recordings } = runner
  recordings.endingsState = () => {
    const isScript = asked.script < most
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
      const asked = watch(model.loaded.runner, always ? Infinity : 0)
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

const LOGGED: Record<string, SamplingInput> = {
  'the chosen alone': { seed: 1, temperature: 1.5, logprobs: true },
  'greedy, with others': { ...greedy, logprobs: true, top_logprobs: 5 },
  'the whole vocabulary, with others': { seed: 2, top_k: 0, temperature: 1.5, logprobs: true, top_logprobs: 20 },
  'rules, with others': { ...PARAMS['rules, drawing'], logprobs: true, top_logprobs: 3 },
  guesses: { ...greedy, logprobs: true, top_logprobs: 2, prompt_lookup_num_tokens: 3 },
}

test.each([1, 4])(
  'log-probabilities are those of the kernels, bit for bit, %i steps at a time',
  WAIT,
  async (steps) => {
    /** JavaScript chooses so many batches, and kernels go on. */
    const given = async (most: number) =>
      withModel(path, { ...load, stepsPerReadback: steps }, async (model) => {
        const all: Record<string, Logged[]> = {}
        for (const [name, params] of Object.entries(LOGGED)) {
          const asked = watch(model.loaded.runner, most)
          const constraints = name.startsWith('rules') ? [undefined, () => new Thirds(), undefined] : []
          all[name] = []
          // One after another: logits of rows that others stand beside may differ in their last bits.
          for (const [i, prompt] of prompts.entries()) {
            const options = { constraint: constraints[i] }
            const stream = model.generate(prompt, { max_tokens: 11, ignore_eos: true, ...params }, options)
            all[name].push(...(await loggedOf(stream, params.top_logprobs ?? 0)))
          }
          expect(asked.script > 0).toBe(most > 0)
          expect(asked.kernels > 0).toBe(most < Infinity)
        }
        return all
      })
    const { guesses, ...kernels } = await given(0)
    for (const most of [Infinity, 2]) {
      const { guesses: guessed, ...others } = await given(most)
      expect(others).toEqual(kernels)
      // How many guesses are verified at once depends on time, and on that the last bits of logits.
      expect(guessed).toEqual(guesses!.map(({ ids, logprobs }) => ({ ids, logprobs: logprobs.map(nearly) })))
    }
  },
)

interface Logged {
  readonly ids: readonly number[]
  readonly logprobs: readonly number[]
}

const nearly = (logprob: number): number => expect.closeTo(logprob, 4)

/** Of each step the chosen token and so many others. */
async function loggedOf(stream: ReturnType<MistralModel['generate']>, others: number): Promise<Logged[]> {
  const steps: Logged[] = []
  for await (const { tokenId, logprobs } of stream) {
    expect(logprobs!.tokenId).toBe(tokenId)
    expect(logprobs!.top).toHaveLength(others)
    const all = [logprobs!, ...logprobs!.top]
    steps.push({ ids: all.map((one) => one.tokenId), logprobs: all.map((one) => one.logprob) })
  }
  expect(steps).toHaveLength(11)
  return steps
}

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
  watch(model.loaded.runner, Infinity)
  const steps = model.generate(prompts[0]!, { ...greedy, max_tokens: 40 })
  await steps.next()
  model.loaded.gpu.device.destroy()
  await expect(tokensOf(steps)).rejects.toThrow(/device/)
  model.dispose()
})
