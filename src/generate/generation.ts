import { MistralError, NoTokenLeftError, ParameterError } from '../errors.ts'
import { NO_TOKEN } from '../kernels/sampler.ts'
import type { SamplerKind } from '../model/mistral.ts'
import type { PackedParams } from '../sampling/packed-params.ts'
import type { Holder, Slot } from './slots.ts'
import type { StepLogprobs } from './step-logprobs.ts'
import type { FinishReason, GenerationStep } from './token-loop.ts'

/** What a request asks of the scheduler, checked. */
export interface GenerationRequest {
  readonly prompt: readonly number[]
  readonly packed: PackedParams
  readonly logprobs: boolean
  readonly sampler: SamplerKind
  /** Tokens to generate at most. */
  readonly maxTokens: number
  readonly stops: ReadonlySet<number>
  readonly stopWhen: ((tokenId: number) => boolean) | undefined
  /** Compute every token from the first on each time. */
  readonly recompute: boolean
  /** Tokens to guess ahead at most; 0 is off. */
  readonly lookup: number
}

/** Steps that may lie ready for a consumer who does not take them, before the generation pauses. */
const BACKLOG = 64

/**
 * One request on its way through the scheduler. Positions below `computed` were submitted to the GPU; the choices of
 * `ahead` tokens behind the known ones are on their way back.
 */
export class Generation implements Holder {
  /** Prompt and answer as far as they are known. */
  readonly tokens: number[]
  slot: Slot | undefined
  computed = 0
  ahead = 0
  /** Changes when what is in flight no longer counts. */
  epoch = 0
  done = false
  /** Its candidates tie so often that only the kernel that looks at all of them can choose. */
  dense = false
  /** Tokens of the prompt that the cache held when the request was admitted; undefined until then. */
  cachedTokens: number | undefined
  /** When it paused because its consumer does not take what is ready; undefined while it runs. */
  idleSince: number | undefined
  private readonly ready: GenerationStep[] = []
  private failure: Error | undefined
  private wake: (() => void) | undefined

  constructor(
    readonly request: GenerationRequest,
    /** Smaller for those who came earlier. */
    readonly order: number,
    /** Tells the scheduler that there is room for more steps. */
    private readonly resumed: () => void,
  ) {
    this.tokens = [...request.prompt]
  }

  /** Positions whose tokens are known and whose keys and values are, or will be, in the slot. */
  get settled(): number {
    return Math.min(this.computed, this.tokens.length)
  }

  /** Tokens that are known or on their way. */
  get next(): number {
    return this.tokens.length + this.ahead
  }

  /** Tokens that prompt and answer can become. */
  get limit(): number {
    return this.request.prompt.length + this.request.maxTokens
  }

  /** Rows of known tokens that must be computed before the next choice. */
  get pendingRows(): number {
    return this.next - this.computed
  }

  /** Whether another batch makes sense now. */
  get runnable(): boolean {
    const { recompute, lookup } = this.request
    if (this.done || this.idleSince !== undefined || this.next >= this.limit) return false
    return this.ahead === 0 || !(recompute || lookup > 0)
  }

  /** What is in flight no longer counts, and the last known token is to be computed again. */
  stepBack(): void {
    this.epoch++
    this.ahead = 0
    this.computed = this.request.recompute ? 0 : Math.min(this.computed, this.tokens.length - 1)
  }

  /** A choice came back. Returns whether the answer goes on. */
  accept(id: number, logprobs: StepLogprobs | undefined): boolean {
    if (id === NO_TOKEN) {
      this.fail(
        this.request.packed.rules
          ? new NoTokenLeftError('no token is left to choose: the rules of the request ban the whole vocabulary')
          : new MistralError('no token is left to choose: every logit is NaN or -Infinity'),
      )
      return false
    }
    this.tokens.push(id)
    const { stops, stopWhen, recompute } = this.request
    let stopped: boolean
    try {
      stopped = asked(stopWhen?.(id)) || stops.has(id)
    } catch (error) {
      this.fail(error instanceof Error ? error : new MistralError(`stopWhen threw ${String(error)}`, { cause: error }))
      return false
    }
    // It may have ended its own request.
    if (this.done) return false
    const finish_reason: FinishReason | null = stopped ? 'stop' : this.tokens.length >= this.limit ? 'length' : null
    this.ready.push({ tokenId: id, finish_reason, logprobs: logprobs ?? null })
    this.done = finish_reason !== null
    if (recompute) this.computed = 0
    if (this.ready.length >= BACKLOG) this.idleSince = performance.now()
    this.wake?.()
    return !this.done
  }

  /** Ends it for its consumer, after what is ready. */
  fail(error: Error): void {
    this.done = true
    this.failure ??= error
    this.wake?.()
  }

  /** The next step, as soon as there is one; undefined after the last. Throws what the generation failed with. */
  async take(): Promise<GenerationStep | undefined> {
    for (;;) {
      // An abort is not held up by what could still be shown.
      if (this.failure) throw this.failure
      const step = this.ready.shift()
      if (step !== undefined) {
        this.resumeIfIdle()
        return step
      }
      if (this.done) return undefined
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.wake = undefined
    }
  }

  private resumeIfIdle(): void {
    if (this.idleSince === undefined || this.ready.length >= BACKLOG / 2) return
    this.idleSince = undefined
    this.resumed()
  }
}

/** What `stopWhen` said. Throws `ParameterError` for what is no answer: a promise would never stop anything. */
function asked(answer: unknown): boolean {
  if (answer === undefined || typeof answer === 'boolean') return answer === true
  throw new ParameterError('stopWhen', answer, 'must return true or false')
}
