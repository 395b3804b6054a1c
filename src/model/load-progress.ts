/** What is told while a model loads: to the command line, to pages and to workers, in one form. */

/** The progress of loading, which the caller is told over and over. It is plain data, and may be posted to another thread. */
export interface LoadProgress {
  /**
   * `open` reads headers, `download` brings files into the cache, `weights` brings tensors to the GPU, `compile` makes
   * pipelines, `ready` ends it.
   */
  readonly phase: 'open' | 'download' | 'weights' | 'compile' | 'ready'
  /** Bytes of this phase so far: of all files that have come, or that are on the GPU. */
  readonly loaded: number
  /** Bytes of this phase; 0 while that is not known. While headers are read it grows with each file that is to come. */
  readonly total: number
  /** The tensor that was just read, under the name it has in the file. */
  readonly tensor: string | undefined
  /** The file that is being downloaded. */
  readonly file: string | undefined
  /** Over the last seconds; undefined at the beginning of a phase. */
  readonly bytesPerSecond: number | undefined
  /** What is left of this phase at that speed. */
  readonly secondsLeft: number | undefined
}

/** An event without what {@link metered} adds. */
export type LoadStep = Pick<LoadProgress, 'phase' | 'loaded' | 'total'> & Partial<Pick<LoadProgress, 'tensor' | 'file'>>

/** Speed is measured over this time, so that it follows the network and does not jump. */
const WINDOW_MS = 5000
/** Shorter times say nothing. */
const LEAST_MS = 250

/** Adds to each event how fast its phase goes. */
export function metered(onProgress: ((progress: LoadProgress) => void) | undefined): (step: LoadStep) => void {
  let phase: LoadProgress['phase'] | undefined
  let marks: { readonly at: number; readonly loaded: number }[] = []
  return ({ tensor, file, ...step }) => {
    if (onProgress === undefined) return
    const at = performance.now()
    if (step.phase !== phase) marks = []
    phase = step.phase
    const last = marks.at(-1)
    if (last === undefined || at - last.at >= LEAST_MS / 5) marks.push({ at, loaded: step.loaded })
    while (marks.length > 2 && at - marks[1]!.at > WINDOW_MS) marks.shift()
    const [first] = marks
    const ms = first === undefined ? 0 : at - first.at
    const came = step.loaded - (first?.loaded ?? 0)
    const bytesPerSecond = ms >= LEAST_MS && came > 0 ? (came / ms) * 1000 : undefined
    const left = step.total - step.loaded
    const secondsLeft = bytesPerSecond === undefined || left < 0 ? undefined : left / bytesPerSecond
    onProgress({ ...step, tensor, file, bytesPerSecond, secondsLeft })
  }
}
