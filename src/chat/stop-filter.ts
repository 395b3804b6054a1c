/**
 * Lets streamed text through except what could be the beginning of a stop text. Stop texts are never shown, not even in
 * part; once one is complete nothing follows.
 */
export class StopFilter {
  private held = ''
  stopped = false

  constructor(private readonly stops: readonly string[]) {}

  /** The part of the text so far that is certain to belong to the answer. */
  push(text: string): string {
    if (this.stopped) return ''
    this.held += text
    const found = this.stops.map((stop) => this.held.indexOf(stop)).filter((at) => at >= 0)
    if (found.length > 0) {
      this.stopped = true
      return this.take(Math.min(...found))
    }
    return this.take(this.held.length - this.openEnd())
  }

  /** What was held back, when no more text comes. */
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
