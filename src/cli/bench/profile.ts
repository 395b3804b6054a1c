/** `bench --profile`: how long each kernel takes by the GPU's own clock, and how close it comes to what memory allows. */
import { platform } from '#platform'
import type { MistralModel } from '../../generate/mistral-model.ts'
import { type BatchProfile, type KernelTime, Profiler } from '../../gpu/profiler.ts'
import { chromeTrace } from '../../gpu/trace.ts'
import { weightReadBytes } from '../../kernels/weight.ts'
import { cacheReadBytes } from '../../model/kv-cache.ts'
import type { Bandwidth, ProfiledKernel, ProfileReport } from './report.ts'
import { matricesOf } from './subject.ts'

/** Tokens that are decoded; a step more goes before them, and does not count. */
const TOKENS = 8

/** Runs a prompt and a few tokens, writes the trace file, and sums up. Throws `DeviceError` where there is no clock. */
export async function measureProfile(
  model: MistralModel,
  { file, context, bandwidth }: { readonly file: string; readonly context: number; readonly bandwidth: Bandwidth },
  signal?: AbortSignal,
): Promise<ProfileReport> {
  const { runner, gpu } = model.loaded
  const batches: BatchProfile[] = []
  const profiler = new Profiler(gpu, (batch) => batches.push(batch))
  runner.profiler = profiler
  try {
    const params = { do_sample: false, ignore_eos: true, max_new_tokens: TOKENS + 2 }
    const ids = Array.from({ length: context }, (_, i) => (11 + 13 * i) % model.config.vocabSize)
    for await (const _ of model.generate(ids, params, { signal }));
    await profiler.finish()
  } finally {
    runner.profiler = undefined
    profiler.destroy()
  }
  await writeText(file, chromeTrace(batches, gpu.name))
  const sums = new Sums(model, context, bandwidth)
  const chosen = batches.findIndex(({ kernels }) => kernels.some(isChoice))
  const decoded = batches.slice(chosen + 1).flatMap(({ kernels }) => kernels)
  return {
    file,
    context,
    tokens: decoded.filter(isChoice).length,
    prefill: sums.of(
      batches.slice(0, chosen + 1).flatMap(({ kernels }) => kernels),
      1,
      context,
    ),
    decode: sums.of(decoded, decoded.filter(isChoice).length, 1),
  }
}

/** The last dispatch of every token. */
function isChoice({ label }: KernelTime): boolean {
  return label.startsWith('draw')
}

async function writeText(path: string, text: string): Promise<void> {
  const disk = await platform.openDisk()
  const writer = await disk.createFile(path)
  await writer.write(new TextEncoder().encode(text))
  await writer.close({ keep: true })
}

class Sums {
  /** Bytes and weights of all matrices of a name, by which one token goes once through each. */
  private readonly matrices = new Map<string, { bytes: number; weights: number }>()

  constructor(
    private readonly model: MistralModel,
    private readonly context: number,
    private readonly bandwidth: Bandwidth,
  ) {
    for (const weight of matricesOf(model.loaded.weights)) {
      const name = nameOf(weight.label)
      const { bytes, weights } = this.matrices.get(name) ?? { bytes: 0, weights: 0 }
      this.matrices.set(name, { bytes: bytes + weightReadBytes(weight), weights: weights + weight.rows * weight.cols })
    }
  }

  /** @param rows of each batch */
  of(kernels: readonly KernelTime[], times: number, rows: number): ProfiledKernel[] {
    const sums = new Map<string, { ms: number; dispatches: number }>()
    for (const { label, ms } of kernels) {
      const name = nameOf(label)
      const sum = sums.get(name) ?? { ms: 0, dispatches: 0 }
      sums.set(name, { ms: sum.ms + ms, dispatches: sum.dispatches + 1 })
    }
    const total = kernels.reduce((sum, { ms }) => sum + ms, 0)
    const divisor = Math.max(1, times)
    return [...sums]
      .map(([name, sum]) =>
        this.kernel(name, sum.ms / divisor, sum.dispatches / divisor, { total: total / divisor, rows }),
      )
      .sort((a, b) => b.ms - a.ms)
  }

  private kernel(
    name: string,
    ms: number,
    dispatches: number,
    { total, rows }: { readonly total: number; readonly rows: number },
  ): ProfiledKernel {
    const matrix = this.matrices.get(name)
    const { config, cache } = this.model.loaded
    const read = name === 'attention' ? cacheReadBytes(config, cache[0]!.layout, this.context) : undefined
    const bytes = matrix?.bytes ?? read ?? null
    const fraction = bytes === null || ms === 0 ? null : bytes / ms / 1e6 / this.bandwidth.gb_per_s
    // The logits are wanted of one row alone.
    const computed = name === 'output' || name === 'tokEmbeddings' ? 1 : rows
    const gflops = matrix === undefined || ms === 0 ? null : (2 * matrix.weights * computed) / ms / 1e6
    return { name, dispatches, ms, share: total === 0 ? 0 : ms / total, bytes, bandwidth_fraction: fraction, gflops }
  }
}

/** Without the number of the layer, and that of the piece where a matrix lies in several. */
function nameOf(label: string): string {
  return label.replace(/^layers\.\d+\./, '').replace(/(?: \d+)+$/, '')
}
