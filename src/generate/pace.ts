/** How many steps a batch takes, and what batches of different widths have cost. */
import { Expectations } from './expectations.ts'

/** A reader sees text at least this often, in milliseconds, when the GPU is fast enough. */
const TEXT_DEADLINE_MS = 50
/** Weight of the newest measurement, and of one that is faster: what delays a batch from outside says nothing of the next. */
const SMOOTHING = 0.25
const SMOOTHING_FASTER = 0.5
/** Batches that must have been measured before their cost is believed, and those of which the fastest counts. */
const FEW = 3
const RECENT = 4
/** Batches under masks whose mean is taken. */
const HELD = 8
/** As many batches under masks later they are measured again: what was slow once may have been held up. */
const STALE = 100

/** What a batch was, for {@link Pace.observe}. */
export interface Measured {
  readonly steps: number
  /** Guessed tokens among them. */
  readonly rows: { readonly length: number }
  readonly shares: { readonly length: number }
  /** It consists of answers. */
  readonly decodes: boolean
  /** How the outputs are chosen, where some have masks. */
  readonly needs?: readonly { readonly mask?: unknown }[]
}

/**
 * Bringing tokens back costs the same for one as for many, in JavaScript, in the driver and on the way (1-5 ms in
 * Chrome, 11 in Deno, up to 100 in Firefox). So a batch has as many steps as its reader can wait for. An answer begins with
 * one step, then two, four and so on: a short one wastes little past its end, and the first words come at once.
 */
export class Pace {
  /** Milliseconds of one step where batches follow each other, by the width of the batch. */
  private readonly stepMs = new Map<number, number>()
  /** Milliseconds of the latest batches that were alone, by their width. */
  private readonly aloneMs = new Map<number, number[]>()
  /** Milliseconds of the latest batches under masks, by {@link heldKey}. */
  private readonly heldMs = new Map<number, { readonly times: readonly number[]; readonly at: number }>()
  readonly expectations = new Expectations()
  private held = 0
  private lastEnd = 0
  #answers = 1

  /** @param fixed use this many steps always */
  constructor(
    private readonly most: number,
    readonly fixed?: number | undefined,
  ) {}

  /** Steps of a batch of `rows` rows, of which the shortest answer has `begun` tokens. */
  steps(rows: number, begun: number): number {
    if (this.fixed !== undefined) return Math.min(this.fixed, this.most)
    const stepMs = this.stepMs.get(widthOf(rows))
    if (stepMs === undefined) return 1
    return Math.max(1, Math.min(Math.floor(TEXT_DEADLINE_MS / stepMs), begun, this.most))
  }

  /** Answers that the latest batch went on with. */
  get answers(): number {
    return this.#answers
  }

  /** Milliseconds of one step of many, undefined as long as none of this width was measured. */
  stepCost(rows: number): number | undefined {
    return this.stepMs.get(widthOf(rows))
  }

  /** Milliseconds of a step whose tokens are awaited before the next, undefined as long as too few of this width were. */
  aloneCost(rows: number): number | undefined {
    const times = this.aloneMs.get(widthOf(rows)) ?? []
    return times.length < FEW ? undefined : Math.min(...times)
  }

  /** What bringing the tokens of as many answers as the latest back costs, in steps; undefined as long as it was not measured. */
  get readback(): number | undefined {
    const [alone, step] = [this.aloneCost(this.#answers), this.stepCost(this.#answers)]
    return alone === undefined || step === undefined ? undefined : Math.max(0, alone / step - 1)
  }

  /** Milliseconds of a batch of so many steps under masks, of as many answers as the latest; undefined when none was measured. */
  heldCost(steps: number): number | undefined {
    const { times, at } = this.heldMs.get(heldKey(this.#answers, steps)) ?? NEVER
    if (times.length < 2 || this.held - at > STALE) return undefined
    // Batches that overlap end in pairs, so that no one of them tells much; one may have been held up.
    return (times.reduce((sum, ms) => sum + ms) - Math.max(...times)) / (times.length - 1)
  }

  /**
   * A batch was submitted at `start`, and its results were read at `end`. It was alone when nothing else was in flight: its time
   * is the whole way there and back.
   */
  observe({ steps, rows, shares, decodes, needs }: Measured, alone: boolean, start: number, end: number): void {
    // When it was queued behind another batch, it computed from that one's end on.
    const queued = this.lastEnd > start
    const perStep = Math.max((end - (queued ? this.lastEnd : start)) / steps, 0.01)
    // What JavaScript did since the batch before counts for those under masks, which wait for it, unless nobody wanted more.
    const sinceLast = start - this.lastEnd < end - start ? end - this.lastEnd : end - start
    this.lastEnd = end
    // Prompts are not what steps are planned for.
    if (!decodes) return
    this.#answers = shares.length
    const width = widthOf(rows.length)
    const before = this.stepMs.get(width) ?? perStep
    const weight = perStep < before ? SMOOTHING_FASTER : SMOOTHING
    // Else the way there and back counts too, which is better than nothing, and than what was slower.
    if (queued || perStep <= before) this.stepMs.set(width, before + weight * (perStep - before))
    if (rows.length === shares.length && needs?.some(({ mask }) => mask !== undefined)) {
      const key = heldKey(rows.length, steps)
      const { times, at } = this.heldMs.get(key) ?? NEVER
      const fresh = this.held++ - at > STALE ? [] : times
      this.heldMs.set(key, { times: [...fresh, sinceLast].slice(-HELD), at: this.held })
    }
    if (!alone || steps > 1) return
    const times = this.aloneMs.get(width) ?? []
    this.aloneMs.set(width, [...times, end - start].slice(-RECENT))
  }
}

const NEVER = { times: [], at: 0 }

function heldKey(answers: number, steps: number): number {
  return widthOf(answers) * 64 + steps
}

/** Rows that cost about the same: up to 1, 2, 4, 8, 16, 32. */
function widthOf(rows: number): number {
  return Math.ceil(Math.log2(rows))
}
