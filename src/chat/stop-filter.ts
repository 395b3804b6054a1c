/**
 * Lets streamed text through except what could be the beginning of a stop text. Stop texts are never shown, not even in
 * part; once one is complete nothing follows.
 */
export class StopFilter {
  private held = ''
  /** The stop text that was found; undefined as long as there is none. */
  found: string | undefined

  constructor(private readonly stops: readonly string[]) {}

  get stopped(): boolean {
    return this.found !== undefined
  }

  /** The part of the text so far that is certain to belong to the answer. */
  push(text: string): string {
    if (this.stopped) return ''
    this.held += text
    let first = Infinity
    for (const stop of this.stops) {
      const at = this.held.indexOf(stop)
      if (at < 0 || at >= first) continue
      first = at
      this.found = stop
    }
    if (this.stopped) return this.take(first)
    return this.take(this.held.length - this.openEnd())
  }

  /** Gives the text that was held back, when no more comes. */
  flush(): string {
    return this.stopped ? '' : this.take(this.held.length)
  }

  private take(length: number): string {
    const text = this.held.slice(0, length)
    this.held = this.held.slice(length)
    return text
  }

  /** Length of the longest end of the text that begins a stop text. */
  private openEnd(): number {
    const longest = Math.max(0, ...this.stops.map((stop) => stop.length - 1))
    for (let length = Math.min(longest, this.held.length); length > 0; length--) {
      const end = this.held.slice(-length)
      if (this.stops.some((stop) => stop.startsWith(end))) return length
    }
    return 0
  }
}
