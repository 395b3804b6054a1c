/** Runs the parts of `bench` one after another. */
import type { Gpu } from '../../gpu/device.ts'
import { type Cli, note } from '../context.ts'
import { measureBandwidth } from './bandwidth.ts'
import { ForwardBench } from './forward.ts'
import { nullBackendCost } from './js-cost.ts'
import { measureKernels, shapesOf } from './kernels.ts'
import { median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { measureProfile } from './profile.ts'
import type { AdapterFacts, BenchReport, ContextResult, JsCost, PerToken } from './report.ts'
import { loadSubject, type Subject } from './subject.ts'

/** A length of the default list is left out when its prompts would take longer than this. */
const CONTEXT_MS = 15_000
/** Prompts of a length: the one that warms up, and those that count. */
const PROMPTS = 2

/** Measures everything that the options ask for. Throws what loading a model throws. */
export async function runBench(cli: Cli, options: BenchOptions, signal?: AbortSignal): Promise<BenchReport> {
  const subject = await loadSubject(cli, options, signal)
  let measured: Omit<BenchReport, 'js'> & { adapterCost: JsCost }
  try {
    measured = await onAdapter(cli, subject, options, signal)
  } finally {
    subject.model.dispose()
  }
  await phase(cli, "JavaScript's own cost")
  const { adapterCost, kernels, profile, ...rest } = measured
  const js = await nullBackendCost(adapterCost, { disabled: options.disabled, signal })
  return { ...rest, js, ...(kernels && { kernels }), ...(profile && { profile }) }
}

async function onAdapter(
  cli: Cli,
  subject: Subject,
  options: BenchOptions,
  signal?: AbortSignal,
): Promise<Omit<BenchReport, 'js'> & { adapterCost: JsCost }> {
  const { model, facts } = subject
  const { gpu, weights } = model.loaded
  await phase(cli, 'streaming read')
  const bandwidth = await measureBandwidth(gpu, signal)
  const exactly = options.tokens !== undefined
  const forward = new ForwardBench(model, bandwidth, { tokens: subject.tokens, exactly, signal })
  const { contexts, skipped } = await measureContexts(cli, forward, subject, options)
  const per_token = await forward.perToken()
  let kernels: BenchReport['kernels']
  if (options.kernels) {
    await phase(cli, 'kernels')
    kernels = await measureKernels(gpu, shapesOf(weights), signal)
  }
  let profile: BenchReport['profile']
  if (options.profile !== undefined) {
    await phase(cli, 'profile')
    const context = contexts.at(-1)!.context
    profile = await measureProfile(model, { file: options.profile, context, bandwidth }, signal)
  }
  return {
    runtime: cli.terminal.runtime,
    adapter: adapterFacts(gpu, options.disabled),
    model: facts,
    bandwidth,
    contexts,
    skipped_contexts: skipped,
    per_token,
    adapterCost: adapterCost(contexts, per_token, facts.layers),
    ...(kernels && { kernels }),
    ...(profile && { profile }),
  }
}

async function measureContexts(
  cli: Cli,
  forward: ForwardBench,
  { contexts, outOfReach }: Subject,
  options: BenchOptions,
): Promise<{ contexts: ContextResult[]; skipped: BenchReport['skipped_contexts'] }> {
  const results: ContextResult[] = []
  const skipped: { context: number; reason: string }[] = []
  for (const context of contexts) {
    const last = results.at(-1)
    // Attention grows faster than this, so that a guess is rather too low than too high.
    const guessMs = last === undefined ? 0 : (PROMPTS * last.prefill_ms * context) / last.context
    if (options.contexts === undefined && guessMs > CONTEXT_MS) {
      const reason = `left out: its prompts would take ${Math.round(guessMs / 1000)} s; --contexts ${context} measures it`
      skipped.push({ context, reason })
      continue
    }
    await phase(cli, `context ${context}`)
    results.push(await forward.context(context))
  }
  for (const context of outOfReach) skipped.push({ context, reason: "left out: beyond the model's positions" })
  return { contexts: results, skipped }
}

function adapterCost(contexts: readonly ContextResult[], { dispatches }: PerToken, layers: number): JsCost {
  const ms_per_token = median(contexts.map((context) => context.js_ms))
  return { layers, dispatches, ms_per_token, us_per_dispatch: (ms_per_token * 1000) / dispatches }
}

function adapterFacts(gpu: Gpu, disabled: readonly string[]): AdapterFacts {
  return {
    name: gpu.name,
    software: gpu.software,
    features: [...gpu.features],
    disabled,
    subgroup_lanes: gpu.tuning.subgroupLanes,
  }
}

/** Tells a person what takes so long; a pipe gets the result only. */
async function phase(cli: Cli, what: string): Promise<void> {
  if (cli.terminal.err.isTTY) await note(cli, `measuring: ${what}`)
}
