/** Work that waits until nobody needs the machine: what is compiled before anybody asks for it. */

/** So long nobody must have asked for anything: requests often follow each other at once. */
const QUIET_MS = 100

/**
 * Compilers of software adapters take a core from requests that are computed on it, and do one shader at a time: what a request
 * waits for stands behind all that was begun before. So what is not needed yet begins when nothing else is to do, piece by piece.
 */
export class IdleWork {
  private readonly pieces: (() => Promise<unknown>)[] = []
  private holders = 0
  private working = false
  private timer: ReturnType<typeof setTimeout> | undefined

  /** Adds a piece behind those that wait already. What goes wrong in it is its own concern. */
  add(piece: () => Promise<unknown>): void {
    this.pieces.push(piece)
    this.wake()
  }

  /** Nothing begins from now on, until whoever asked for it has called what this returns. */
  hold(): () => void {
    this.holders++
    clearTimeout(this.timer)
    this.timer = undefined
    let held = true
    return () => {
      if (held) this.holders--
      held = false
      this.wake()
    }
  }

  /** Pieces that are not done. */
  get pending(): number {
    return this.pieces.length + (this.working ? 1 : 0)
  }

  private wake(): void {
    if (this.holders > 0 || this.working || this.timer !== undefined || this.pieces.length === 0) return
    this.timer = setTimeout(() => void this.work(), QUIET_MS)
  }

  private async work(): Promise<void> {
    this.timer = undefined
    this.working = true
    while (this.holders === 0 && this.pieces.length > 0) await this.pieces.shift()!().catch(() => {})
    this.working = false
    this.wake()
  }
}
