/**
 * Times the choice of one token, without a model: greedy, the default (top_k 50, top_p 0.95), the whole vocabulary
 * (top_p 0.95), and all rules at once over a history of 1000 tokens. Behind each time stands how many times greedy's time it
 * is, and how long the kernels take to compile that greedy does not have.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/sampler.ts [VOCABULARY ...]
 */
import { BufferUsage } from '../src/gpu/flags.ts'
import { openGpu } from '../src/gpu/open.ts'
import { Recorder } from '../src/gpu/recorder.ts'
import { SAMPLERS } from '../src/kernels/draw.ts'
import { scoreRules } from '../src/kernels/rules.ts'
import { createSamplerBuffers } from '../src/kernels/sampler.ts'
import { type BatchShape, createActivation } from '../src/kernels/shape.ts'
import { packLists } from '../src/sampling/packed-lists.ts'
import { packSettings } from '../src/sampling/packed-params.ts'
import { parseRequestParams, type SamplingInput } from '../src/sampling/request-params.ts'

const POSITIONS = 2048
const HISTORY = 1000
const STEPS = 20
const TURNS = 7

const CASES: [name: string, SamplingInput][] = [
  ['greedy', { do_sample: false }],
  ['default', {}],
  ['no top_k', { top_k: 0 }],
  [
    'all rules',
    {
      repetition_penalty: 1.2,
      no_repeat_ngram_size: 3,
      frequency_penalty: 0.2,
      presence_penalty: 0.1,
      min_new_tokens: 2,
      logit_bias: { 5: 1 },
      bad_words_ids: [[3, 4]],
      min_p: 0.001,
      typical_p: 0.95,
      epsilon_cutoff: 1e-4,
      eta_cutoff: 1e-4,
    },
  ],
]

const vocabularies = process.argv.slice(2).map(Number)
const gpu = await openGpu()
console.log(`${gpu.name}${gpu.software ? ' (a software adapter: its times say nothing about a GPU)' : ''}`)
for (const vocabSize of vocabularies.length > 0 ? vocabularies : [1280, 32_000, 131_072]) {
  console.log(`vocabulary ${vocabSize}`)
  const runs = []
  for (const [name, input] of CASES) runs.push({ name, best: Infinity, ...(await prepareRun(vocabSize, input)) })
  // In turn, so that what else the machine does falls on all of them.
  for (let turn = 0; turn < TURNS; turn++) for (const one of runs) one.best = Math.min(one.best, await one.run())
  for (const { name, best, compiledMs, destroy } of runs) {
    const ratio = `${(best / runs[0]!.best).toFixed(1)}x`.padStart(6)
    console.log(
      `  ${name.padEnd(10)} ${best.toFixed(0).padStart(6)} µs ${ratio}, compiled in ${compiledMs.toFixed(0)} ms`,
    )
    destroy()
  }
}
gpu.dispose()

/** `run` takes many steps in one submit and gives the microseconds of one; the first run does not count. */
async function prepareRun(vocabSize: number, input: SamplingInput) {
  const { buffers, rules } = prepare(vocabSize, input)
  const params = parseRequestParams(input).sampler
  const r = new Recorder<BatchShape>(gpu)
  if (rules) scoreRules(r, buffers)
  if (!params.do_sample) SAMPLERS.greedy(r, buffers)
  else SAMPLERS[params.top_k > 0 ? 'short' : 'dense'](r, buffers)
  const compiling = performance.now()
  const recording = await r.build()
  const compiledMs = performance.now() - compiling
  const batch: BatchShape = { rows: 1, outputs: 1, splits: 1, tiles: 1, ruled: rules ? 1 : 0, logged: 0 }
  const run = async () => {
    gpu.write(buffers.rows, 0, Uint32Array.of(0, HISTORY - 1, 0, 0))
    await gpu.finish()
    const start = performance.now()
    const encoder = gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (let step = 0; step < STEPS; step++) recording.encode(pass, batch)
    pass.end()
    gpu.submit(encoder.finish())
    await gpu.finish()
    return ((performance.now() - start) * 1000) / STEPS
  }
  await run()
  const destroy = () => {
    const { vocabSize: _, positions: __, logits, ...others } = buffers
    for (const buffer of [logits.buffer, ...Object.values(others)]) buffer.destroy()
  }
  return { run, destroy, compiledMs }
}

/** Gaussian logits with a deviation of 3, like a model's; a history of 200 different tokens. */
function prepare(vocabSize: number, input: SamplingInput) {
  const logits = createActivation(gpu, 'logits', 1, vocabSize)
  const rows = gpu.createBuffer('rows', 16, BufferUsage.STORAGE | BufferUsage.COPY_DST)
  const sizes = { sequences: 1, outputs: 1 }
  const buffers = createSamplerBuffers(gpu, { logits, rows, vocabSize, positions: POSITIONS }, sizes)
  const gauss = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  const context = { promptLength: HISTORY / 2, eosTokenId: 2, seed: 1 }
  const { settings, lists, rules } = packSettings(parseRequestParams(input).sampler, context, packLists)
  gpu.write(
    logits.buffer,
    0,
    Float32Array.from({ length: vocabSize }, () => 3 * gauss()),
  )
  gpu.write(
    buffers.history,
    0,
    Uint32Array.from({ length: HISTORY }, (_, i) => (i * 37 + ((i * i) % 11)) % 200),
  )
  gpu.write(buffers.settings, 0, settings)
  if (lists.length > 0) gpu.write(buffers.lists, 0, lists)
  return { buffers, rules }
}
