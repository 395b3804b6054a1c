/** Requests on their way through the sampler's kernels, and random requests of every kind. */
import type { Checked } from '../../src/checks.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { BufferUsage } from '../../src/gpu/flags.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { Recorder, type Recording } from '../../src/gpu/recorder.ts'
import { SAMPLERS } from '../../src/kernels/draw.ts'
import { logprobs } from '../../src/kernels/logprobs.ts'
import { scoreRules } from '../../src/kernels/rules.ts'
import * as kernel from '../../src/kernels/sampler.ts'
import { type BatchShape, createActivation } from '../../src/kernels/shape.ts'
import { packLists } from '../../src/sampling/packed-lists.ts'
import { packSettings } from '../../src/sampling/packed-params.ts'
import { parseRequestParams, type SamplingInput } from '../../src/sampling/request-params.ts'
import type { SamplerParams } from '../../src/sampling/sampler-params.ts'

export interface Request {
  readonly logits: Float32Array
  readonly tokens: readonly number[]
  readonly params: Checked<SamplerParams>
  readonly promptLength: number
  readonly eosTokenId: readonly number[]
  readonly topLogprobs?: number | undefined
  /** Bits of the tokens that may come; undefined for all. */
  readonly mask?: Uint32Array<ArrayBuffer> | undefined
}

/** The kernels that choose, or the rules alone. */
export type Kind = kernel.SamplerKind | 'rules'

export interface Outcome {
  /** The token behind the last of each request, NO_TOKEN when there was none to choose. */
  readonly chosen: Uint32Array
  /** Position of each row afterwards. */
  readonly positions: Uint32Array
  /** Scores [outputs, stride] as the last kernel left them. */
  readonly scores: Float32Array
  readonly counts: Uint32Array
  readonly logprobs: Uint32Array
  /** The history of a request. */
  tokens(output: number): number[]
}

/** The buffers for `outputs` requests at once; the request of output i has the sequence `sequenceOf(i)`, its row in `rowOf(i)`. */
export class Stage {
  readonly buffers: kernel.SamplerBuffers
  readonly stride: number
  private readonly recordings = new Map<Kind, Promise<Recording<BatchShape>>>()

  constructor(
    readonly gpu: Gpu,
    readonly vocabSize: number,
    readonly outputs: number,
    readonly positions: number,
    private readonly withLogprobs = false,
  ) {
    // Logits beyond the vocabulary are larger than all others: none of them may win.
    const logits = createActivation(gpu, 'logits', outputs, vocabSize + 5)
    this.stride = logits.stride
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
    const rows = gpu.createBuffer('rows', outputs * 2 * 16, usage)
    const sizes = { sequences: outputs, outputs }
    this.buffers = kernel.createSamplerBuffers(gpu, { logits, rows, vocabSize, positions }, sizes)
  }

  private recording(kind: Kind): Promise<Recording<BatchShape>> {
    let recording = this.recordings.get(kind)
    if (recording === undefined) {
      const r = new Recorder<BatchShape>(this.gpu)
      scoreRules(r, this.buffers)
      if (kind !== 'rules') SAMPLERS[kind](r, this.buffers)
      if (this.withLogprobs) logprobs(r, this.buffers)
      recording = r.build()
      this.recordings.set(kind, recording)
    }
    return recording
  }

  private sequenceOf(output: number): number {
    return this.outputs - 1 - output
  }

  private rowOf(output: number): number {
    return 2 * output + 1
  }

  /** @param steps how often everything runs in one command buffer, on the same logits */
  async run(requests: readonly Request[], kind: Kind = 'short', steps = 1): Promise<Outcome> {
    this.upload(requests)
    const recording = await this.recording(kind)
    const n = requests.length
    const encoder = this.gpu.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    const batch = { rows: 2 * n, outputs: n, splits: 1, tiles: 1, ruled: n, logged: n }
    for (let step = 0; step < steps; step++) recording.encode(pass, batch as BatchShape)
    pass.end()
    const { history, rows, scores, counts, logprobs } = this.buffers
    const readbacks = [history, rows, scores, counts, logprobs].map((buffer) => {
      const readback = new Readback(this.gpu, 'result', buffer.size)
      readback.copy(encoder, buffer, buffer.size)
      return { readback, bytes: buffer.size }
    })
    this.gpu.submit(encoder.finish())
    const [tokens, at, left, counted, logged] = await Promise.all(readbacks.map((r) => r.readback.read(r.bytes)))
    for (const { readback } of readbacks) readback.destroy()
    const ids = new Uint32Array(tokens!)
    const positions = new Uint32Array(at!)
    return {
      chosen: Uint32Array.from(requests, (r, i) => ids[this.sequenceOf(i) * this.positions + r.tokens.length]!),
      positions: Uint32Array.from(requests, (_, i) => positions[this.rowOf(i) * 4 + 1]!),
      scores: new Float32Array(left!),
      counts: new Uint32Array(counted!),
      logprobs: new Uint32Array(logged!),
      tokens: (i) => [...ids.subarray(this.sequenceOf(i) * this.positions, (this.sequenceOf(i) + 1) * this.positions)],
    }
  }

  /** The words of one step of one request. */
  logged(outcome: Outcome, output: number, position: number): Uint32Array {
    const first =
      (this.sequenceOf(output) * kernel.LOGPROB_STEPS + (position % kernel.LOGPROB_STEPS)) * kernel.LOGPROB_WORDS
    return outcome.logprobs.slice(first, first + kernel.LOGPROB_WORDS)
  }

  private upload(requests: readonly Request[]): void {
    const { gpu, buffers } = this
    const logits = new Float32Array(requests.length * this.stride).fill(1e30)
    const history = new Uint32Array(buffers.history.size / 4).fill(7)
    const settings = new Uint32Array(buffers.settings.size / 4)
    const rows = new Uint32Array(buffers.rows.size / 4)
    for (const [i, request] of requests.entries()) {
      const sequence = this.sequenceOf(i)
      logits.set(request.logits, i * this.stride)
      history.set(request.tokens, sequence * this.positions)
      const context = { ...request, seed: request.params.seed!, masked: request.mask !== undefined }
      const packed = packSettings(request.params, context, packLists)
      if (request.mask !== undefined) gpu.write(buffers.masks, i * request.mask.byteLength, request.mask)
      settings.set(packed.settings, sequence * kernel.SETTINGS_WORDS)
      if (packed.lists.length > 0) gpu.write(buffers.lists, sequence * kernel.LIST_WORDS * 4, packed.lists)
      rows[i * 4 + 2] = this.rowOf(i)
      rows[this.rowOf(i) * 4] = sequence
      rows[this.rowOf(i) * 4 + 1] = request.tokens.length - 1
    }
    gpu.write(buffers.logits.buffer, 0, logits)
    gpu.write(buffers.history, 0, history)
    gpu.write(buffers.settings, 0, settings)
    gpu.write(buffers.rows, 0, rows)
  }

  destroy(): void {
    const { vocabSize: _, positions: __, logits, ...others } = this.buffers
    for (const buffer of [logits.buffer, ...Object.values(others)]) buffer.destroy()
  }
}

/** Draws from a uniform source in [-1, 1). */
export class Dice {
  constructor(private readonly next: () => number) {}

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor(((this.next() + 1) / 2) * n)
  }

  chance(p: number): boolean {
    return (this.next() + 1) / 2 < p
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  gauss(): number {
    let sum = 0
    for (let i = 0; i < 6; i++) sum += this.next()
    return sum / Math.SQRT2
  }

  list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make)
  }
}

const KINDS = ['gauss', 'gauss', 'wide', 'peaked', 'ties', 'few ties', 'flat', 'holes', 'infinite'] as const

export function randomLogits(dice: Dice, vocab: number): Float32Array {
  const kind = dice.pick(KINDS)
  const scale = { gauss: 3, wide: 12, peaked: 1, ties: 1, 'few ties': 2, flat: 0, holes: 3, infinite: 3 }[kind]
  const grid = kind === 'ties' ? 2 : 256
  const logits = new Float32Array(vocab)
  const table = dice.list(1021, () => dice.gauss() * scale)
  const start = dice.below(1021)
  // A table, since a Gaussian for each of 131,072 logits would be most of the test's time.
  for (let i = 0; i < vocab; i++) logits[i] = table[(i * 7 + start) % 1021]! + (((i * 2654435761) >>> 8) % 997) / 997
  if (kind.endsWith('ties')) for (let i = 0; i < vocab; i++) logits[i] = Math.round(logits[i]! * grid) / grid
  if (kind === 'flat') logits.fill(dice.gauss())
  if (kind === 'peaked') for (let i = 0; i < 3; i++) logits[dice.below(vocab)] = 15 + dice.below(3)
  if (kind === 'holes') {
    for (let i = 0; i < vocab; i += 1 + dice.below(5)) logits[i] = dice.chance(0.5) ? Number.NaN : -Infinity
  }
  if (kind === 'infinite') for (let i = 0; i < 2; i++) logits[dice.below(vocab)] = Infinity
  return logits
}

/** Parameters in every combination; each rule is off half of the time. */
export function randomParams(dice: Dice, vocab: number, kind: Kind): SamplingInput {
  const id = () => dice.below(vocab)
  const few = () => dice.below(Math.min(vocab, 12))
  const sometimes = <T>(p: number, value: () => T) => (dice.chance(p) ? value() : undefined)
  const rules = dice.chance(0.5)
  const history = {
    repetition_penalty: sometimes(0.4, () => 0.5 + dice.below(100) / 60),
    no_repeat_ngram_size: sometimes(0.3, () => 1 + dice.below(3)),
    bad_words_ids: sometimes(0.3, () => dice.list(1 + dice.below(4), () => dice.list(1 + dice.below(3), few))),
    sequence_bias: sometimes(0.3, () =>
      dice.list(1 + dice.below(6), () => [dice.list(1 + dice.below(3), few), dice.gauss() * 5] as const),
    ),
    logit_bias: sometimes(0.3, () => Object.fromEntries(dice.list(1 + dice.below(5), () => [id(), dice.gauss() * 9]))),
    suppress_tokens: sometimes(0.3, () => dice.list(1 + dice.below(9), id)),
    min_length: sometimes(0.2, () => dice.below(40)),
    min_new_tokens: sometimes(0.2, () => dice.below(10)),
    stop_token_ids: sometimes(0.3, () => [few()]),
    frequency_penalty: sometimes(0.3, () => dice.gauss() / 2),
    presence_penalty: sometimes(0.3, () => dice.gauss() / 2),
  }
  return {
    ...(rules ? history : {}),
    seed: dice.below(2 ** 30),
    do_sample: kind !== 'greedy' && dice.chance(0.95),
    temperature: dice.pick([1, 1, 0.7, 1.3, 0.1, 3.7, 100]),
    top_k: dice.pick(kind === 'short' ? [1, 2, 7, 50, kernel.SHORT_TOP_K] : [0, 0, 1, 2, 50, 129, 600, 5000]),
    top_p: dice.pick([1, 1, 0.95, 0.95, 0.8, 0.5, 0.1, 0.999, 0]),
    min_p: dice.pick([0, 0, 0, 0.05, 0.3, 1e-4, 1]),
    typical_p: dice.pick([1, 1, 1, 0.2, 0.5, 0.95, 0.999]),
    epsilon_cutoff: dice.pick([0, 0, 0, 3e-4, 0.01, 0.2]),
    eta_cutoff: dice.pick([0, 0, 0, 3e-4, 0.01, 0.2]),
  }
}

export function randomRequest(dice: Dice, vocab: number, positions: number, kind: Kind = 'short'): Request {
  const length = 1 + dice.below(dice.pick([4, 40, positions - 2]))
  const most = dice.pick([3, 12, vocab])
  return {
    logits: randomLogits(dice, vocab),
    tokens: dice.list(length, () => dice.below(Math.min(vocab, most))),
    params: parseRequestParams(randomParams(dice, vocab, kind)).sampler,
    promptLength: 1 + dice.below(length),
    eosTokenId: dice.list(dice.below(3), () => dice.below(Math.min(vocab, 12))),
    topLogprobs: dice.pick([undefined, 0, 1, 5, 20]),
    mask: dice.chance(0.3) ? randomMask(dice, vocab) : undefined,
  }
}

/** Some tokens, half of them, or nearly all; bits beyond the vocabulary are set. */
function randomMask(dice: Dice, vocab: number): Uint32Array<ArrayBuffer> {
  const mask = new Uint32Array(kernel.maskWords(vocab))
  const density = dice.pick(['few', 'half', 'most'])
  if (density === 'few') {
    for (let i = 1 + dice.below(9); i > 0; i--) {
      const id = dice.below(vocab)
      mask[id >>> 5]! |= 1 << (id & 31)
    }
  } else {
    const word = () => dice.below(2 ** 16) * 2 ** 16 + dice.below(2 ** 16)
    for (let i = 0; i < mask.length; i++) mask[i] = density === 'half' ? word() : ~(word() & word() & word() & word())
  }
  for (let id = vocab; id < mask.length * 32; id++) mask[id >>> 5]! |= 1 << (id & 31)
  return mask
}
