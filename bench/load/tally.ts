import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, Busy, type Reference, type Status } from './client.ts'

/** Counts what happened under load, and keeps what should not have. */
export class Tally {
  readonly failures: string[] = []
  private readonly counts = { complete: 0, tokens: 0, left: 0, refused: 0, busy: 0 }
  private readonly most = { running: 0, waiting: 0, gpuBytes: 0 }

  failed(what: string): void {
    this.failures.push(what)
  }

  saw({ running, waiting, gpuBytes }: Status): void {
    this.most.running = Math.max(this.most.running, running)
    this.most.waiting = Math.max(this.most.waiting, waiting)
    this.most.gpuBytes = Math.max(this.most.gpuBytes, gpuBytes)
  }

  async compare({ request, text }: Reference, answer: Promise<Answer>): Promise<void> {
    const got = await this.unlessBusy(answer)
    if (got === undefined) return
    this.counts.complete++
    this.counts.tokens += got.tokens
    if (got.text !== text) {
      this.failed(`${JSON.stringify(request)}\n  alone: ${JSON.stringify(text)}\n  now:   ${JSON.stringify(got.text)}`)
    }
  }

  async aborted(leaving: Promise<void>): Promise<void> {
    await this.unlessBusy(leaving)
    this.counts.left++
  }

  async expectRefused(status: Promise<number>): Promise<void> {
    const got = await status
    if (got < 400 || got >= 500) this.failed(`a bad body got ${got}`)
    this.counts.refused++
  }

  report(minutes: number): string {
    const { complete, tokens, left, refused, busy } = this.counts
    const { running, waiting, gpuBytes } = this.most
    const speed = (tokens / (60 * minutes)).toFixed(1)
    return (
      `${complete} answers complete (${tokens} tokens, ${speed}/s), ${left} left by their clients, ` +
      `${refused} bad bodies refused, ${busy} times the queue was full; ` +
      `at most ${running} ran, ${waiting} waited, ${gpuBytes} bytes on the GPU`
    )
  }

  /** undefined when the queue was full; then after the time that the server asked for. */
  private async unlessBusy<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof Busy)) throw error
      this.counts.busy++
      await delay(error.retryAfterMs)
      return undefined
    }
  }
}
