/** A reader sees text at least this often, in milliseconds, when the GPU is fast enough. */
const TEXT_DEADLINE_MS = 50
/** Weight of the newest measurement. */
const SMOOTHING = 0.25

/**
 * How many tokens to choose before they are brought back. Bringing back costs the same for one as for many (1-5 ms in
 * Chrome, 11 in Deno, up to 100 in Firefox), and with two batches in flight it costs nothing once a batch computes for as
 * long as its results travel. More than that would only delay text, and waste work when an answer ends.
 */
export class Pace {
  /** Milliseconds of one step, undefined until one was measured. */
  private stepMs: number | undefined
  private lastEnd = 0

  /**
   * @param readbackMs the adapter's latency
   * @param fixed use this many steps always
   */
  constructor(
    private readonly readbackMs: number,
    private readonly most: number,
    private readonly fixed?: number | undefined,
  ) {}

  steps(): number {
    if (this.fixed !== undefined) return Math.min(this.fixed, this.most)
    if (this.stepMs === undefined) return 1
    const hidesReadback = Math.ceil(this.readbackMs / this.stepMs)
    const inTime = Math.floor(TEXT_DEADLINE_MS / this.stepMs)
    return Math.max(1, Math.min(hidesReadback, inTime, this.most))
  }

  /** A batch of `steps` was submitted at `start` and its results were read at `end`. */
  observe(steps: number, start: number, end: number): void {
    // When it was queued behind another batch, it computed from that one's end on; else the way back counts too.
    const queued = this.lastEnd > start
    const ms = queued ? end - this.lastEnd : Math.max(0, end - start - this.readbackMs)
    this.lastEnd = end
    const perStep = Math.max(ms / steps, 0.01)
    this.stepMs = this.stepMs === undefined ? perStep : this.stepMs + SMOOTHING * (perStep - this.stepMs)
  }
}
