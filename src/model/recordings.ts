/** The recordings that batches are encoded from: each is compiled when it is first needed, and kept. */
import { Recorder, type Recording } from '../gpu/recorder.ts'
import type { BatchClass } from '../gpu/tuning.ts'
import { loadAttention } from '../kernels/load-attention.ts'
import { loadMatmuls } from '../kernels/load-matmuls.ts'
import { plainResidual } from '../kernels/residual.ts'
import { drawGreedy, type SamplerKind } from '../kernels/sampler.ts'
import { type BatchShape, batchClassOf } from '../kernels/shape.ts'
import type { Adapters } from './adapters.ts'
import type { Endings } from './batch.ts'
import type { Meanwhile } from './meanwhile.ts'
import type { Mistral } from './mistral.ts'

/** Ends the names of recordings that were made with adapters. */
const ADAPTED = ' adapted'

export class Recordings {
  private readonly known = new Map<string, Promise<Recording<never>>>()
  private readonly compiled = new Set<string>()
  private readonly failed = new Set<string>()
  /** All that is compiled ahead is being compiled, or waits until nothing else is to do. */
  begun: Promise<void> = Promise.resolve()
  /** On software adapters, from {@link warmUp} on. */
  meanwhile: Meanwhile | undefined

  constructor(private readonly model: Mistral) {}

  /**
   * Compiles ahead what generating text needs, so that the first token does not wait for it. What it does not take begins to compile
   * when all else is there: drawing, and where compilers are slow the kernels of later tokens. There, what requests can do without at
   * first is compiled when nothing else is to do.
   * @param first what one request draws with: then only what its first token takes is waited for
   */
  async warmUp(first?: SamplerKind): Promise<void> {
    const rows = await this.rowsAlone()
    const all = [rows > 0 ? this.promptAlone() : this.prompt(this.meanwhile?.firstOutputs ?? 1), this.head(1)]
    if (first === undefined && !this.canChoose) all.push(this.layers(1))
    if (!this.canChoose) all.push(this.ending(samplerOf(first ?? 'greedy')))
    await Promise.all(all)
    if (first === undefined) this.begun = this.behind(rows)
  }

  /** Begins with what the first token does not take. Nobody waits for it. */
  private async behind(rows: number): Promise<void> {
    if (!this.canChoose) return this.begin((r) => samplerOf('short').record(r, this.model))
    if (rows === 0) await this.begin((r) => this.recordLayers(r, 1, {}))
    else await this.later((r) => this.recordLayers(r, 'many', { outputsClass: 1 }))
    await this.later((r) => samplerOf('short').record(r, this.model))
    await this.later((r) => samplerOf('greedy').record(r, this.model))
  }

  /** Begins with what {@link warmUp} waits for, while the weights are not there yet. */
  async warmUpEarly(first?: SamplerKind): Promise<void> {
    const rowsAlone = await this.rowsAlone()
    if (!this.canChoose) await this.begin((r) => samplerOf(first ?? 'greedy').record(r, this.model))
    const outputsClass = this.meanwhile?.firstOutputs === 2 ? 'many' : 1
    await this.beside((r) => this.recordLayers(r, rowsAlone > 0 ? 1 : 'many', { outputsClass }))
    await this.beside((r) => this.model.recordHead(r, 1))
  }

  /** Compilers of software adapters take long: JavaScript chooses tokens meanwhile. */
  private get canChoose(): boolean {
    return this.model.gpu.software
  }

  /** As {@link Meanwhile} says; 0 on a GPU. */
  private async rowsAlone(): Promise<number> {
    if (this.canChoose) this.meanwhile ??= new (await import('./meanwhile.ts')).Meanwhile(this.model)
    return this.meanwhile?.rowsAlone ?? 0
  }

  /** Begins to compile, and binds nothing. What fails says so when it is recorded. */
  private async begin(record: (r: Recorder<BatchShape>) => void | Promise<void>): Promise<void> {
    const recorder = await this.recorder(record).catch(() => undefined)
    recorder?.compile().catch(() => {})
  }

  /** The same one by one: cores that compile cannot bring weights to an adapter that computes on them. */
  private async beside(record: (r: Recorder<BatchShape>) => void | Promise<void>): Promise<void> {
    // The slowest do one at a time by themselves.
    if (this.meanwhile?.isSlow !== false) return this.begin(record)
    const recorder = await this.recorder(record).catch(() => undefined)
    for (const compile of recorder?.pieces() ?? []) await compile().catch(() => {})
  }

  private async later(record: (r: Recorder<BatchShape>) => void | Promise<void>): Promise<void> {
    const recorder = await this.recorder(record).catch(() => undefined)
    if (recorder !== undefined) this.meanwhile?.later(recorder)
  }

  /** For who measures: what requests with these endings take is compiled, and taken from now on. */
  async settle(endings: Endings): Promise<void> {
    await Promise.all([this.meanwhile?.settle(this), this.prompt(1), this.layers(1), this.endings(endings)])
  }

  /** As {@link warmUp}, for batches with adapters. */
  async warmUpAdapters(adapters: Adapters): Promise<void> {
    await Promise.all([this.layers(1, adapters), this.layers('many', adapters), this.head(1, adapters)])
  }

  /** Lets go of what was recorded with adapters: there are others now. */
  forgetAdapters(): void {
    for (const name of this.known.keys()) if (name.endsWith(ADAPTED)) this.known.delete(name)
  }

  /**
   * For a batch of so many rows, of which so many have an output. Of a prompt the last layer is computed where it is wanted;
   * adapters find their rows by the place in the batch.
   */
  layersOf(rows: number, outputs: number, adapters?: Adapters): Promise<Recording<BatchShape>> {
    const batchClass = batchClassOf(rows, outputs === rows)
    if (adapters !== undefined) return this.layers(batchClass, adapters)
    const alone = rows > 1 && outputs === 1 && this.meanwhile?.goesAlone(rows) === true
    if (this.meanwhile?.needsMany) this.prompt(1).catch(() => {})
    if (alone) return this.promptAlone()
    if (batchClass !== 'many') return this.layers(batchClass)
    this.meanwhile?.noneAlone()
    return this.meanwhile?.promptOf(outputs, this) ?? this.prompt(outputs)
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

  /**
   * Of the first prompts of a model, where compiling the kernels for many rows would take longer than what those of single rows
   * take more.
   */
  private promptAlone(): Promise<Recording<BatchShape>> {
    return this.remember('prompt alone', (r) => this.recordLayers(r, 1, { outputsClass: 1 }))
  }

  /** @internal */
  async recordLayers(
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
  endings(endings: Endings): Promise<Recording<BatchShape>[]> {
    return Promise.all(partsOf(endings).map((part) => this.ending(part)))
  }

  private ending({ name, record }: Ending): Promise<Recording<BatchShape>> {
    return this.remember(name, (r) => record(r, this.model))
  }

  /** Begins to compile what a request with these endings chooses its tokens with, unless JavaScript can do without for long. */
  prepareEndings(endings: Endings, tokens: number): void {
    const waits = this.endingsState(endings) !== 'chosen here'
    if (waits || (tokens > 1 && this.meanwhile?.isSlow !== true)) this.endings(endings).catch(() => {})
  }

  /** Whether that is compiled, or whether JavaScript chooses in its place as long as it is not. */
  endingsState(endings: Endings): 'ready' | 'compiled later' | 'chosen here' {
    const names = partsOf(endings).map(({ name }) => name)
    if (names.every((name) => this.compiled.has(name))) return 'ready'
    const isHopeless = names.some((name) => this.failed.has(name))
    return this.canChoose && !isHopeless ? 'chosen here' : 'compiled later'
  }

  /** JavaScript chooses so many tokens in place of these kernels. */
  chosenHere(endings: Endings, tokens: number): void {
    const when = this.meanwhile?.chose(JSON.stringify(endings), tokens, endings.kind === 'dense')
    if (when === 'later') {
      void this.later(async (r) => {
        for (const { record } of partsOf(endings)) await record(r, this.model)
      })
    }
    if (when === 'beside') this.endings(endings).catch(() => {})
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
        () => {
          this.known.delete(name)
          this.failed.add(name)
        },
      )
    }
    return recording
  }

  private async make<B>(record: (r: Recorder<B>) => void | Promise<void>): Promise<Recording<B>> {
    return (await this.recorder(record)).build()
  }

  /** @internal */
  async recorder<B>(record: (r: Recorder<B>) => void | Promise<void>, gpu = this.model.gpu): Promise<Recorder<B>> {
    const { cache } = this.model
    await Promise.all([loadMatmuls(gpu.tuning), loadAttention(gpu.tuning, cache[0]!.layout)])
    const r = new Recorder<B>(gpu)
    await record(r)
    return r
  }
}

/** One step from logits to results. */
interface Ending {
  /** Of its recording. */
  readonly name: string
  record(r: Recorder<BatchShape>, model: Mistral): Promise<void>
}

/** The rules of requests on the logits of their rows, before a token is chosen. */
const RULES: Ending = {
  name: 'rules',
  async record(r, { workspace }) {
    const { scoreRules } = await import('../kernels/rules.ts')
    scoreRules(r, workspace.sampler)
  },
}

/** Log-probabilities of what was chosen, and of what else was likely. */
const LOGPROBS: Ending = {
  name: 'logprobs',
  async record(r, { workspace }) {
    const { logprobs } = await import('../kernels/logprobs.ts')
    logprobs(r, workspace.sampler)
  },
}

/** Logits to the next token of each output row, which goes to the history. */
const samplerOf = (kind: SamplerKind): Ending => ({
  name: `sampler ${kind}`,
  async record(r, { workspace }) {
    const draw = kind === 'greedy' ? drawGreedy : (await import('../kernels/draw.ts')).SAMPLERS[kind]
    draw(r, workspace.sampler)
  },
})

function partsOf({ ruled, kind, logged }: Endings): Ending[] {
  return [...(ruled ? [RULES] : []), samplerOf(kind), ...(logged ? [LOGPROBS] : [])]
}
