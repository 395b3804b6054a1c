/** Counters and histograms for Prometheus, in its text format. */
import type { ModelStatus } from '../generate/model-status.ts'
import type { RequestRecord } from './records.ts'

/** Seconds. A cached answer on a fast GPU takes milliseconds, a long prompt on a slow one minutes. */
const FIRST_TOKEN_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const PER_TOKEN_BOUNDS = [0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1]
const DURATION_BOUNDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const PREFIX = 'mistral_webgpu_'

/** Counts requests, and writes all numbers in Prometheus' text format (version 0.0.4). */
export class Metrics {
  private readonly requests = new Map<string, { route: string; status: number; count: number }>()
  private aborted = 0
  private readonly firstToken = new Histogram(FIRST_TOKEN_BOUNDS)
  private readonly perToken = new Histogram(PER_TOKEN_BOUNDS)
  private readonly duration = new Histogram(DURATION_BOUNDS)

  observe(record: RequestRecord, secondsPerToken: number | undefined): void {
    const { route, status } = record
    const key = `${route} ${status}`
    const row = this.requests.get(key) ?? { route, status, count: 0 }
    row.count++
    this.requests.set(key, row)
    if (record.aborted) this.aborted++
    if (record.timeToFirstTokenMs === undefined) return
    this.firstToken.observe(record.timeToFirstTokenMs / 1000)
    this.duration.observe(record.durationMs / 1000)
    if (secondsPerToken !== undefined) this.perToken.observe(secondsPerToken)
  }

  /** @param status undefined as long as there is no model */
  render(status: ModelStatus | undefined): string {
    const page = new Page()
    page.samples('requests_total', 'counter', 'Requests answered, by route and status.', [
      ...[...this.requests.values()].map(({ route, status, count }) => ({ labels: { route, status }, value: count })),
    ])
    page.one('requests_aborted_total', 'counter', 'Requests whose client left before the end.', this.aborted)
    page.one('model_ready', 'gauge', '1 when the model is loaded.', status === undefined ? 0 : 1)
    if (status !== undefined) {
      page.one('requests_running', 'gauge', 'Requests in the batch.', status.running)
      page.one('queue_length', 'gauge', 'Requests that wait for a place in the batch.', status.waiting)
      page.one('sequences_limit', 'gauge', 'Requests that fit into the batch.', status.maxSequences)
      page.one('queue_limit', 'gauge', 'Requests that may wait; more get a 429.', status.maxQueue)
      page.one('prompt_tokens_total', 'counter', 'Tokens of prompts, cached ones included.', status.promptTokens)
      page.one('generated_tokens_total', 'counter', 'Tokens generated.', status.generatedTokens)
      page.one('cached_tokens_total', 'counter', 'Prompt tokens served from the cache.', status.cachedTokens)
      page.one('gpu_memory_bytes', 'gauge', 'GPU memory that the model and its cache hold.', status.gpuBytes)
      const { weights, cache, workspace, adapters } = status.memory
      const parts = Object.entries({ weights, cache, workspace, adapters })
      page.samples(
        'gpu_memory_part_bytes',
        'gauge',
        'The same by what it is for.',
        parts.map(([part, value]) => ({ labels: { part }, value })),
      )
      page.one('tensor_bytes', 'gauge', 'Bytes of the tensors in the files of the model.', status.memory.tensors)
      page.one('context_length', 'gauge', 'Tokens of a prompt and its answer at most.', status.contextLength)
    }
    page.histogram('time_to_first_token_seconds', 'From the request to its first token.', this.firstToken)
    page.histogram(
      'time_per_token_seconds',
      'Time between tokens of one answer: the mean of each request.',
      this.perToken,
    )
    page.histogram('generation_duration_seconds', 'From the request to the end of its answer.', this.duration)
    return page.text
  }
}

class Histogram {
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.sum += value
    this.count++
    // Buckets are cumulative: each counts all that is at most its bound.
    for (const [i, bound] of this.bounds.entries()) if (value <= bound) this.counts[i]!++
  }
}

class Page {
  text = ''

  one(name: string, type: 'counter' | 'gauge', help: string, value: number): void {
    this.samples(name, type, help, [{ labels: {}, value }])
  }

  samples(name: string, type: string, help: string, samples: readonly Sample[]): void {
    this.head(name, type, help)
    for (const { labels, value } of samples) this.line(name, labels, value)
  }

  histogram(name: string, help: string, { bounds, counts, sum, count }: Histogram): void {
    this.head(name, 'histogram', help)
    for (const [i, bound] of bounds.entries()) this.line(`${name}_bucket`, { le: bound }, counts[i]!)
    this.line(`${name}_bucket`, { le: '+Inf' }, count)
    this.line(`${name}_sum`, {}, sum)
    this.line(`${name}_count`, {}, count)
  }

  private head(name: string, type: string, help: string): void {
    this.text += `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n`
  }

  private line(name: string, labels: Sample['labels'], value: number): void {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(String(label))}"`)
    this.text += `${PREFIX}${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value === Infinity ? '+Inf' : value}\n`
  }
}

interface Sample {
  labels: Readonly<Record<string, string | number>>
  value: number
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
