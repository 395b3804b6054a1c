/**
 * Times the choice of one token, without a model: greedy, the default (top_k 50, top_p 0.95), the whole vocabulary
 * (top_p 0.95), and all rules at once over a history of 1000 tokens; and how long the kernels of each take to compile.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/sampler.ts [VOCABULARY ...] [--against CHECKOUT]
 *
 * `--against` names the folder of another checkout of this project, whose sampler is timed in turn with this one's: how many
 * times its time this one takes stands behind each time.
 */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { BatchShape } from '../src/kernels/shape.ts'
import type { SamplingInput } from '../src/sampling/request-params.ts'

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

const { values, positionals } = parseArgs({ allowPositionals: true, options: { against: { type: 'string' } } })
const own = fileURLToPath(new URL('..', import.meta.url))
const contestants = await Promise.all([own, ...(values.against === undefined ? [] : [values.against])].map(open))
const [{ gpu }] = contestants as [Contestant]
console.log(`${gpu.name}${gpu.software ? ' (a software adapter: its times say nothing about a GPU)' : ''}`)
for (const vocabSize of positionals.length > 0 ? positionals.map(Number) : [1280, 32_000, 131_072]) {
  console.log(`vocabulary ${vocabSize}`)
  for (const [name, input] of CASES) {
    const runs = await Promise.all(contestants.map((contestant) => prepareRun(contestant, vocabSize, input)))
    const best = runs.map(() => Infinity)
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [i, { run }] of runs.entries()) best[i] = Math.min(best[i]!, await run())
    }
    for (const { destroy } of runs) destroy()
    const times = runs.map(({ compiledMs }, i) => `${best[i]!.toFixed(0)} µs, compiled in ${compiledMs.toFixed(0)} ms`)
    const ratio = best.length > 1 ? `; ${(best[0]! / best[1]!).toFixed(2)}x the time` : ''
    console.log(`  ${name.padEnd(10)} ${times.join('; against ')}${ratio}`)
  }
}
for (const contestant of contestants) contestant.gpu.dispose()

/** The modules of a checkout, with a device of its own. */
async function open(folder: string) {
  const from = <T>(path: string): Promise<T> => import(pathToFileURL(join(folder, 'src', path)).href)
  const [{ openGpu }, recorder, draw, rules, sampler, shape, packed, params, flags] = await Promise.all([
    from<typeof import('../src/gpu/open.ts')>('gpu/open.ts'),
    from<typeof import('../src/gpu/recorder.ts')>('gpu/recorder.ts'),
    from<typeof import('../src/kernels/draw.ts')>('kernels/draw.ts'),
    from<typeof import('../src/kernels/rules.ts')>('kernels/rules.ts'),
    from<typeof import('../src/kernels/sampler.ts')>('kernels/sampler.ts'),
    from<typeof import('../src/kernels/shape.ts')>('kernels/shape.ts'),
    from<typeof import('../src/sampling/packed-params.ts')>('sampling/packed-params.ts'),
    from<typeof import('../src/sampling/request-params.ts')>('sampling/request-params.ts'),
    from<typeof import('../src/gpu/flags.ts')>('gpu/flags.ts'),
  ])
  // Older checkouts have no such file: there packSettings does it all.
  const { packLists } = await from<typeof import('../src/sampling/packed-lists.ts')>('sampling/packed-lists.ts').catch(
    () => ({ packLists: undefined }),
  )
  return {
    gpu: await openGpu(),
    packLists,
    ...recorder,
    ...draw,
    ...rules,
    ...sampler,
    ...shape,
    ...packed,
    ...params,
    ...flags,
  }
}

type Contestant = Awaited<ReturnType<typeof open>>

/** `run` takes many steps in one submit and gives the microseconds of one; the first run does not count. */
async function prepareRun(contestant: Contestant, vocabSize: number, input: SamplingInput) {
  const { gpu, Recorder, SAMPLERS, scoreRules, parseRequestParams } = contestant
  const { buffers, rules } = prepare(contestant, vocabSize, input)
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
function prepare(contestant: Contestant, vocabSize: number, input: SamplingInput) {
  const { gpu, createActivation, createSamplerBuffers, packSettings, packLists, parseRequestParams, BufferUsage } =
    contestant
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
