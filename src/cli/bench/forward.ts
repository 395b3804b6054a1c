/** Measures prompts and answers of a whole model, and counts what one token costs. */
import { throwIfAborted } from '../../async/abort.ts'
import type { MistralModel } from '../../generate/mistral-model.ts'
import type { GpuCounts } from '../../gpu/counters.ts'
import { endingsOf, GREEDY } from '../../model/batch.ts'
import { cacheReadBytes } from '../../model/kv-cache.ts'
import { median } from './measure.ts'
import type { Bandwidth, ContextResult, PerToken } from './report.ts'
import { weightBytesPerToken } from './subject.ts'

const MOST_RUNS = 3
/** No further run is begun after this. */
const RUNS_MS = 4000
/** Decoding ends after this once it has enough tokens for a median, unless the number of tokens was asked for. */
const DECODE_MS = 3000
const ENOUGH_TOKENS = 4
const WARM_UP_TOKENS = 2
/** Steps whose JavaScript is timed, and whose calls are counted, apart from the loop. */
const COUNTED_STEPS = 6

export interface ForwardOptions {
  readonly tokens: number
  /** Decode all `tokens`, however long it takes. */
  readonly exactly: boolean
  readonly signal?: AbortSignal | undefined
}

/** Prefill and decode as users get them: through the token loop, greedily. */
export class ForwardBench {
  private prompts = 0

  constructor(
    private readonly model: MistralModel,
    private readonly bandwidth: Bandwidth,
    private readonly options: ForwardOptions,
  ) {}

  async context(context: number): Promise<ContextResult> {
    const { tokens, exactly } = this.options
    // Compiles what this length needs, and wakes everything up; it does not count.
    await this.model.loaded.runner.recordings.settle(endingsOf([GREEDY]))
    await this.run(context, Math.min(tokens, WARM_UP_TOKENS), true)
    const runs: Run[] = []
    const start = performance.now()
    do runs.push(await this.run(context, tokens, exactly))
    while (runs.length < MOST_RUNS && performance.now() - start < RUNS_MS)
    const jsMs: number[] = []
    for (let i = 0; i < COUNTED_STEPS; i++) jsMs.push(await this.step(context + i))
    return this.result(context, runs, median(jsMs))
  }

  /** By the device's counters. One more batch, without logits, tells the layers from the rest. */
  async perToken(): Promise<PerToken> {
    const { gpu, runner, config } = this.model.loaded
    const counted = new Tally()
    for (let i = 0; i < COUNTED_STEPS; i++) {
      const before = { ...gpu.counters }
      await this.step(i)
      counted.add(before, gpu.counters, 1)
    }
    const before = gpu.counters.dispatches
    await (await runner.logits([{ sequence: 0, position: 0, output: false }])).result
    // One of them is the embedding.
    const perLayer = (gpu.counters.dispatches - before - 1) / config.nLayers
    return counted.perToken(perLayer, config.nLayers)
  }

  /** One step of decoding, by itself. Returns JavaScript's part of it: milliseconds until its submit returned. */
  private async step(position: number): Promise<number> {
    const { runner, positions } = this.model.loaded
    const start = performance.now()
    const { result } = await runner.sample({
      rows: [{ sequence: 0, position: position % (positions - 1), output: true }],
      steps: 1,
      needs: [GREEDY],
    })
    const ms = performance.now() - start
    await result
    return ms
  }

  /** One prompt and its answer. */
  private async run(context: number, tokens: number, exactly: boolean): Promise<Run> {
    const params = { do_sample: false, ignore_eos: true, max_new_tokens: tokens + 1 }
    const steps = this.model.generate(this.prompt(context), params, { signal: this.options.signal })
    const run: Run = { prefillMs: 0, decodeMs: [] }
    try {
      let start = performance.now()
      await steps.next()
      run.prefillMs = performance.now() - start
      const decoding = performance.now()
      while (run.decodeMs.length < tokens) {
        throwIfAborted(this.options.signal)
        start = performance.now()
        if ((await steps.next()).done) break
        run.decodeMs.push(performance.now() - start)
        const spent = performance.now() - decoding
        if (!exactly && spent > DECODE_MS && run.decodeMs.length >= ENOUGH_TOKENS) break
      }
      return run
    } finally {
      await steps.return()
    }
  }

  /** Begins unlike any prompt before it, so that nothing of it is in the cache. */
  private prompt(length: number): number[] {
    const { vocabSize } = this.model.config
    const first = this.prompts++
    return Array.from({ length }, (_, i) => (first + 7 * i) % vocabSize)
  }

  private result(context: number, runs: readonly Run[], js_ms: number): ContextResult {
    const { config, weights, cache } = this.model.loaded
    const prefill_ms = median(runs.map((run) => run.prefillMs))
    const decoded = runs.flatMap((run) => run.decodeMs)
    const decode_ms = median(decoded)
    const weight_bytes_per_token = weightBytesPerToken(weights)
    const middle = context + Math.floor(decoded.length / runs.length / 2)
    const cache_bytes_per_token = cacheReadBytes(config, cache[0]!.layout, middle)
    const gb_per_s = (weight_bytes_per_token + cache_bytes_per_token) / decode_ms / 1e6
    return {
      context,
      prefill_tokens_per_second: (context * 1000) / prefill_ms,
      prefill_ms,
      runs: runs.length,
      decode_tokens_per_second: 1000 / decode_ms,
      decode_ms,
      decoded_tokens: decoded.length,
      weight_bytes_per_token,
      cache_bytes_per_token,
      gb_per_s,
      bandwidth_fraction: gb_per_s / this.bandwidth.gb_per_s,
      js_ms,
    }
  }
}

interface Run {
  prefillMs: number
  readonly decodeMs: number[]
}

const COUNTED = [
  'dispatches',
  'passes',
  'submits',
  'readbacks',
  'buffersCreated',
  'bindGroupsCreated',
  'pipelinesCreated',
] as const satisfies readonly (keyof GpuCounts)[]

/** The increase of the device's counters, and for how many tokens. */
class Tally {
  private tokens = 0
  private readonly sums = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<
    (typeof COUNTED)[number],
    number
  >

  add(before: GpuCounts, after: GpuCounts, tokens: number): void {
    this.tokens += tokens
    for (const name of COUNTED) this.sums[name] += after[name] - before[name]
  }

  perToken(dispatches_per_layer: number, layers: number): PerToken {
    const { tokens, sums } = this
    const dispatches = sums.dispatches / tokens
    return {
      tokens,
      dispatches,
      dispatches_per_layer,
      dispatches_outside_layers: dispatches - dispatches_per_layer * layers,
      passes: sums.passes / tokens,
      submits: sums.submits / tokens,
      readbacks: sums.readbacks / tokens,
      buffers_created: sums.buffersCreated / tokens,
      bind_groups_created: sums.bindGroupsCreated / tokens,
      pipelines_created: sums.pipelinesCreated / tokens,
      gpu_objects_created: (sums.buffersCreated + sums.bindGroupsCreated + sums.pipelinesCreated) / tokens,
    }
  }
}
