/** Puts batches on the GPU's queue and brings their results back. */
import { DeviceError } from '../errors.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Profiler } from '../gpu/profiler.ts'
import { Readback } from '../gpu/readback.ts'
import { LIST_WORDS, LOGPROB_STEPS, LOGPROB_WORDS, type SamplerKind, SETTINGS_WORDS } from '../kernels/sampler.ts'
import { batchClassOf, DECODE_ROWS } from '../kernels/shape.ts'
import type { PackedParams } from '../sampling/packed-params.ts'
import type { Adapters } from './adapters.ts'
import { type Batch, BatchWriter, endingsOf, type Row, type SamplerNeeds, workOf } from './batch.ts'
import { type Choices, cutChoices, type Submitted } from './choices.ts'
import type { MaskWriter } from './mask.ts'
import type { Mistral } from './mistral.ts'
import { Recordings } from './recordings.ts'

/** Steps of one batch at most. */
export const MAX_STEPS = 16
/** Batches whose results have not been read, at most. */
export const MAX_IN_FLIGHT = 2

/**
 * Puts batches on the GPU's queue, one after another. Tokens live on the GPU: a batch takes its input from the history
 * of its sequences, and what the sampler chooses is added there, so that the next batch can be submitted before the
 * choice is known here. Methods must not overlap: await one before calling another; results may be awaited later.
 */
export class Runner {
  readonly recordings: Recordings
  private readonly logitsReadback: Readback
  /** Staging buffers that no batch uses at the moment. */
  private readonly free: Readback[]
  /** For whoever runs batches of its own, between the runner's. */
  readonly writer: BatchWriter
  /** Loaded for requests with a constraint. */
  private masks: MaskWriter | undefined
  private readonly gpu: Gpu
  /** By sequence, as they were written last. */
  private readonly params: Pick<PackedParams, 'settings' | 'lists'>[] = []
  /** Times every dispatch, where somebody asked for it. */
  profiler: Profiler | undefined
  /** undefined as long as no adapter is loaded. */
  adapters: Adapters | undefined

  constructor(
    readonly model: Mistral,
    /** Rows of one batch at most. */
    readonly maxRows: number,
    /** Output rows of one batch at most. */
    readonly maxOutputs: number,
  ) {
    this.gpu = model.gpu
    this.recordings = new Recordings(model)
    this.writer = new BatchWriter(model, maxRows)
    this.logitsReadback = new Readback(this.gpu, 'logits readback', maxOutputs * model.workspace.logits.stride * 4)
    const bytes = Math.min(maxOutputs, DECODE_ROWS) * MAX_STEPS * (1 + LOGPROB_WORDS) * 4
    this.free = Array.from({ length: MAX_IN_FLIGHT }, (_, i) => new Readback(this.gpu, `choices readback ${i}`, bytes))
  }

  /** Compiles ahead what generating text needs, as {@link Recordings.warmUp} does. */
  warmUp(first?: SamplerKind): Promise<void> {
    return this.recordings.warmUp(first)
  }

  /** Compiles what a request with these needs takes after its prompt, beside what the GPU does meanwhile. */
  prepare(needs: readonly SamplerNeeds[], tokens: number): void {
    // What does not compile says so when it is needed. JavaScript chooses one token sooner than what does so is compiled.
    this.recordings.prepareEndings(endingsOf(needs), tokens)
    if (tokens > 1) this.recordings.layers(1).catch(() => {})
  }

  /** The machine is needed from now on, until what this returns is called: what compiles ahead waits. */
  busy(): () => void {
    return this.recordings.meanwhile?.idle.hold() ?? (() => {})
  }

  /** The adapters from now on. Recordings that were made with others are let go. */
  async useAdapters(adapters: Adapters | undefined): Promise<void> {
    this.adapters = adapters
    this.recordings.forgetAdapters()
    if (adapters !== undefined) await this.recordings.warmUpAdapters(adapters)
  }

  /** Bytes on the GPU of adapters and of what they work in. */
  get adapterBytes(): number {
    return this.adapters?.gpuBytes ?? 0
  }

  /** The adapter of a sequence from now on, by its slot. */
  assignAdapter(sequence: number, slot: number): void {
    this.adapters?.assign(sequence, slot)
  }

  /** The tokens at positions `first`, `first` + 1, … of a sequence. */
  writeTokens(sequence: number, first: number, tokens: readonly number[]): void {
    const { buffer, positions } = this.model.workspace.history
    this.gpu.write(buffer, (sequence * positions + first) * 4, Uint32Array.from(tokens))
  }

  /** How the tokens of a sequence are chosen: as buffers are zero at first, the best is taken until something else was written. */
  paramsOf(sequence: number): Pick<PackedParams, 'settings' | 'lists'> {
    return this.params[sequence] ?? { settings: new Uint32Array(SETTINGS_WORDS), lists: new Uint32Array() }
  }

  /** How the tokens of a sequence are chosen from now on. */
  writeSettings(sequence: number, { settings, lists }: PackedParams): void {
    const { sampler } = this.model.workspace
    this.params[sequence] = { settings, lists }
    this.gpu.write(sampler.settings, sequence * SETTINGS_WORDS * 4, settings)
    if (lists.length > 0) this.gpu.write(sampler.lists, sequence * LIST_WORDS * 4, lists)
  }

  /** The logits after the output rows, in order, [V] each. */
  async logits(rows: readonly Row[]): Promise<Submitted<Float32Array<ArrayBuffer>[]>> {
    const outputs = this.check(rows, 1)
    const slots = this.adapters?.usedBy(rows)
    const adapters = slots && this.adapters
    const layers = await this.recordings.layersOf(rows.length, outputs, adapters)
    const head = outputs > 0 ? await this.recordings.head(batchClassOf(outputs, true), adapters) : undefined
    const shape = { ...this.writer.write(rows, 1, outputs), ruled: 0, logged: 0, adapters: slots }
    const { logits } = this.model.workspace
    const bytes = outputs * logits.stride * 4
    const start = performance.now()
    this.encode(
      (pass) => {
        layers.encode(pass, shape)
        head?.encode(pass, shape)
      },
      (encoder) => {
        if (outputs > 0) this.logitsReadback.copy(encoder, logits.buffer, bytes)
      },
    )
    if (outputs === 0) return { start, result: this.gpu.finish(workOf(rows, 1, outputs)).then(() => []) }
    const cut = (data: ArrayBuffer) => {
      const all = new Float32Array(data)
      return Array.from({ length: outputs }, (_, i) => all.slice(i * logits.stride, i * logits.stride + logits.cols))
    }
    return { start, result: this.logitsReadback.read(bytes, workOf(rows, 1, outputs)).then(cut) }
  }

  /**
   * The tokens that the sampler chooses after the output rows, in order. They are in the history afterwards.
   * @param known is awaited before masks are asked for, or rules look at tokens, when the forward pass is on its way
   * @returns no choices where `known` gave false: nobody wants them any more, and they are not made
   */
  async sample(batch: Batch, known?: () => Promise<boolean>): Promise<Submitted<Choices[]>> {
    const { rows, steps, needs } = batch
    const { recordings } = this
    const outputs = this.check(rows, steps)
    const outputRows = rows.filter((row) => row.output)
    const wanted = endingsOf(needs)
    const state = recordings.endingsState(wanted)
    if (outputs > 0 && state === 'chosen here') {
      // A prompt may have no more than one token to choose.
      if (outputs === rows.length) recordings.chosenHere(wanted, outputs * steps)
      return (await import('./script-choice.ts')).chooseInScript(this, batch, known)
    }
    const logged = wanted.logged ? outputs : 0
    const ruled = needs.some((need) => need.rules) ? outputs : 0
    const masked = needs.some((need) => need.mask !== undefined) ? outputs : 0
    const slots = this.adapters?.usedBy(rows)
    const adapters = slots && this.adapters
    const endings = outputs > 0 ? recordings.endings(wanted) : []
    const [layers, head] = await Promise.all([
      recordings.layersOf(rows.length, outputs, adapters),
      outputs > 0 ? recordings.head(batchClassOf(outputs, true), adapters) : undefined,
    ])
    const shape = { ...this.writer.write(rows, steps, outputs), ruled, masked, logged, adapters: slots }
    const forward = (pass: GPUComputePassEncoder) => {
      layers.encode(pass, shape)
      head?.encode(pass, shape)
    }
    // The GPU computes the logits while the masks are being made, and while what comes after them is still compiled.
    const waits = masked > 0 && !this.masks?.goesOn(batch)
    const early = waits || (outputs > 0 && state !== 'ready')
    let start = performance.now()
    if (early) this.encode(forward)
    const after = await endings
    if (waits) {
      if ((await known?.()) === false) return { start, result: Promise.resolve([]) }
      this.masks ??= new (await import('./mask.ts')).MaskWriter(this.model)
      this.masks.write(batch)
    } else start = performance.now()
    const staging = outputs > 0 ? this.takeStaging() : undefined
    this.encode(
      (pass) => {
        for (let step = 0; step < steps; step++) {
          if (step > 0 || !early) forward(pass)
          for (const ending of after) ending.encode(pass, shape)
        }
      },
      (encoder) => staging && this.copyChoices(encoder, staging, outputRows, steps, logged > 0),
    )
    const work = workOf(rows, steps, outputs)
    if (staging === undefined) return { start, result: this.gpu.finish(work).then(() => []) }
    const result = staging
      .read(outputs * steps * (logged > 0 ? 1 + LOGPROB_WORDS : 1) * 4, work, rows.length === 1)
      .then((data) => cutChoices(new Uint32Array(data), needs, steps))
      .finally(() => this.free.push(staging))
    return { start, result }
  }

  /**
   * Gives sequence `to` the keys and values that `from` holds at positions below `count`; `written` is how far the rings
   * of `from` have gone. Returns how far those of `to` have gone then.
   */
  async copySequence(
    from: number,
    to: number,
    { count, written }: { count: number; written: number },
  ): Promise<number> {
    const recording = await this.recordings.copy()
    const rings = this.model.cache.map((layer) => layer.ring)
    // A ring that has wrapped holds the wanted positions anywhere.
    const wrapped = rings.some((ring) => written > ring)
    const slots = wrapped ? Math.max(...rings) : count
    this.gpu.write(this.model.workspace.copyPlan, 0, Uint32Array.of(from, to, slots))
    this.encode((pass) => recording.encode(pass, undefined))
    return wrapped ? written : count
  }

  /** Submits what `pass` encodes, and then what `copies` does. */
  encode(pass: (pass: GPUComputePassEncoder) => void, copies?: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.gpu.device.createCommandEncoder()
    const collect = this.profiler?.encode(encoder, pass)
    if (collect === undefined) {
      const computePass = encoder.beginComputePass()
      pass(computePass)
      computePass.end()
      this.gpu.counters.passes++
    }
    copies?.(encoder)
    this.gpu.submit(encoder.finish())
    collect?.()
  }

  /** The ids of all rows, then their logprobs when any wants them. */
  private copyChoices(
    encoder: GPUCommandEncoder,
    staging: Readback,
    outputRows: readonly Row[],
    steps: number,
    logged: boolean,
  ): void {
    const { history, sampler } = this.model.workspace
    let at = 0
    for (const { sequence, position } of outputRows) {
      const from = (sequence * history.positions + position + 1) * 4
      staging.copyAt(encoder, history.buffer, { from, to: at, bytes: steps * 4 })
      at += steps * 4
    }
    if (!logged) return
    const bytes = LOGPROB_WORDS * 4
    for (const { sequence, position } of outputRows) {
      for (let step = 1; step <= steps; step++) {
        const from = (sequence * LOGPROB_STEPS + ((position + step) % LOGPROB_STEPS)) * bytes
        staging.copyAt(encoder, sampler.logprobs, { from, to: at, bytes })
        at += bytes
      }
    }
  }

  private takeStaging(): Readback {
    const staging = this.free.pop()
    if (staging === undefined) throw new DeviceError(`more than ${MAX_IN_FLIGHT} batches in flight`)
    return staging
  }

  /** Returns how many rows have an output. */
  private check(rows: readonly Row[], steps: number): number {
    this.gpu.check()
    let outputs = 0
    for (const row of rows) if (row.output) outputs++
    if (rows.length > this.maxRows || outputs > this.maxOutputs || steps > MAX_STEPS) {
      const most = `${this.maxRows}, ${this.maxOutputs} and ${MAX_STEPS}`
      throw new DeviceError(`a batch of ${rows.length} rows, ${outputs} outputs and ${steps} steps; ${most} fit`)
    }
    return outputs
  }
}
