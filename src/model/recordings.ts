/** The recordings that batches are encoded from: each is compiled when it is first needed, and kept. */
import { Recorder, type Recording } from '../gpu/recorder.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import { loadAttention } from '../kernels/load-attention.ts'
import { loadMatmuls } from '../kernels/load-matmuls.ts'
import { plainResidual } from '../kernels/residual.ts'
import { drawGreedy, type SamplerKind } from '../kernels/sampler.ts'
import type { BatchShape } from '../kernels/shape.ts'
import type { Adapters } from './adapters.ts'
import type { Endings } from './batch.ts'
import type { Mistral } from './mistral.ts'

/** Ends the names of recordings that were made with adapters. */
const ADAPTED = ' adapted'

export class Recordings {
  private readonly known = new Map<string, Promise<Recording<never>>>()
  private readonly compiled = new Set<string>()

  constructor(private readonly model: Mistral) {}

  /**
   * Compiles ahead what generating text needs, so that the first token does not wait for it. Drawing begins to compile when all
   * else is there, so that it holds up nothing.
   * @param first what one request draws with: then only what its first token takes is waited for
   */
  async warmUp(first?: SamplerKind): Promise<void> {
    const prompt = [this.prompt(1), this.head(1)]
    if (first !== undefined) await Promise.all([...prompt, this.sampler(first)])
    else {
      await Promise.all([...prompt, this.layers(1), this.sampler('greedy')])
      await this.begin((r) => recordSampler(r, 'short', this.model))
    }
  }

  /** Begins with what the first token takes when no more is known of the model than its first layer. */
  async warmUpEarly(first: SamplerKind): Promise<void> {
    await this.begin((r) => recordSampler(r, first, this.model))
    await this.begin((r) => this.recordLayers(r, 'many', { outputsClass: 1 }))
  }

  /** Begins to compile, and binds nothing. What fails says so when it is recorded. */
  private async begin(record: (r: Recorder<BatchShape>) => void | Promise<void>): Promise<void> {
    const recorder = await this.recorder(record).catch(() => undefined)
    recorder?.compile().catch(() => {})
  }

  /** The same for batches with adapters. */
  async warmUpAdapters(adapters: Adapters): Promise<void> {
    await Promise.all([this.layers(1, adapters), this.layers('many', adapters), this.head(1, adapters)])
  }

  /** Lets go of what was recorded with adapters: there are others now. */
  forgetAdapters(): void {
    for (const name of this.known.keys()) if (name.endsWith(ADAPTED)) this.known.delete(name)
  }

  /** Tokens to residual stream, for a class of batches, of which some rows have adapters where these are given. */
  layers(batchClass: BatchClass, adapters?: Adapters): Promise<Recording<BatchShape>> {
    const name = `layers ${batchClass}${adapters ? ADAPTED : ''}`
    return this.remember(name, (r) => this.recordLayers(r, batchClass, { adapters }))
  }

  /**
   * The same for a prompt, of whose rows only so many have an output: behind the last attention no other is computed. One
   * output takes the kernels that decode, more those that the other layers have: they are compiled anyway.
   */
  prompt(outputs: number): Promise<Recording<BatchShape>> {
    const outputsClass = outputs <= 1 ? 1 : 'many'
    return this.remember(`prompt ${outputsClass}`, (r) => this.recordLayers(r, 'many', { outputsClass }))
  }

  private async recordLayers(
    r: Recorder<BatchShape>,
    batchClass: BatchClass,
    { adapters, outputsClass }: { adapters?: Adapters | undefined; outputsClass?: BatchClass },
  ): Promise<void> {
    // Adapters multiply normed rows too, so norms are dispatches beside them.
    const folded = this.model.gpu.tuning.foldedNorms[batchClass] && adapters === undefined
    const residual = folded ? (await import('../kernels/folded-norms.ts')).foldedResidual : plainResidual
    this.model.recordLayers(r, batchClass, { residual, adapters, outputsClass })
  }

  /** Residual stream to logits, for a class of output rows. */
  head(batchClass: BatchClass, adapters?: Adapters): Promise<Recording<BatchShape>> {
    const name = `head ${batchClass}${adapters ? ADAPTED : ''}`
    return this.remember(name, (r) => this.model.recordHead(r, batchClass, adapters))
  }

  /** What comes between the logits of outputs and their results, in order. It compiles side by side with anything else. */
  endings({ ruled, kind, logged }: Endings): {
    readonly ready: boolean
    readonly all: Promise<Recording<BatchShape>[]>
  } {
    const names = [...(ruled ? ['rules'] : []), `sampler ${kind}`, ...(logged ? ['logprobs'] : [])]
    const ready = names.every((name) => this.compiled.has(name))
    const all = [ruled ? this.rules() : undefined, this.sampler(kind), logged ? this.logprobs() : undefined]
    return { ready, all: Promise.all(all.filter((one) => one !== undefined)) }
  }

  /** The rules of requests on the logits of their rows, before a token is chosen. */
  private rules(): Promise<Recording<BatchShape>> {
    return this.remember('rules', async (r) => {
      const { scoreRules } = await import('../kernels/rules.ts')
      scoreRules(r, this.model.workspace.sampler)
    })
  }

  /** Logits to the next token of each output row, which goes to the history. */
  private sampler(kind: SamplerKind): Promise<Recording<BatchShape>> {
    return this.remember(`sampler ${kind}`, (r) => recordSampler(r, kind, this.model))
  }

  /** Log-probabilities of what was chosen, and of what else was likely. */
  private logprobs(): Promise<Recording<BatchShape>> {
    return this.remember('logprobs', async (r) => {
      const { logprobs } = await import('../kernels/logprobs.ts')
      logprobs(r, this.model.workspace.sampler)
    })
  }

  /** Keys and values of one sequence to another, as the copy plan says. */
  copy(): Promise<Recording<unknown>> {
    const { cache, workspace } = this.model
    return this.remember('copy', async (r: Recorder<unknown>) => {
      const { cacheCopy } = await import('../kernels/cache-copy.ts')
      for (const layer of cache) cacheCopy(r, workspace.copyPlan, layer)
    })
  }

  /** The recording of this name, made when it is first asked for. */
  remember<B>(name: string, record: (r: Recorder<B>) => void | Promise<void>): Promise<Recording<B>> {
    let recording = this.known.get(name) as Promise<Recording<B>> | undefined
    if (recording === undefined) {
      recording = this.make(record)
      this.known.set(name, recording)
      // What failed once is tried again.
      recording.then(
        () => this.compiled.add(name),
        () => this.known.delete(name),
      )
    }
    return recording
  }

  private async make<B>(record: (r: Recorder<B>) => void | Promise<void>): Promise<Recording<B>> {
    return (await this.recorder(record)).build()
  }

  private async recorder<B>(record: (r: Recorder<B>) => void | Promise<void>): Promise<Recorder<B>> {
    const { gpu, cache } = this.model
    await Promise.all([loadMatmuls(gpu.tuning), loadAttention(gpu.tuning, cache[0]!.layout)])
    const r = new Recorder<B>(gpu)
    await record(r)
    return r
  }
}

async function recordSampler(r: Recorder<BatchShape>, kind: SamplerKind, { workspace }: Mistral): Promise<void> {
  const draw = kind === 'greedy' ? drawGreedy : (await import('../kernels/draw.ts')).SAMPLERS[kind]
  draw(r, workspace.sampler)
}
