/** The times of one generation. */
export interface Timings {
  /** From the request to the first token, waiting for a free sequence included. */
  readonly prefillMs: number
  /** All tokens after the first. */
  readonly decodeMs: number
  /** From the request to the first token. */
  readonly ttftMs: number
  /** Computed prompt tokens per second; cached ones do not count. */
  readonly prefillTokensPerSecond: number
  /** Tokens after the first per second. */
  readonly decodeTokensPerSecond: number
}

/** Takes the times of one generation, those of the consumer's own pauses included. */
export class Clock {
  private readonly start = performance.now()
  private first = 0
  private last = 0
  private tokens = 0

  token(): void {
    this.last = performance.now()
    if (this.tokens++ === 0) this.first = this.last
  }

  timings(computedPromptTokens: number): Timings {
    const prefillMs = this.first - this.start
    const decodeMs = this.last - this.first
    return {
      prefillMs,
      decodeMs,
      ttftMs: prefillMs,
      prefillTokensPerSecond: perSecond(computedPromptTokens, prefillMs),
      decodeTokensPerSecond: perSecond(this.tokens - 1, decodeMs),
    }
  }
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0
}
