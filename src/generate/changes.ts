/**
 * Work that must not happen while a batch is being made, such as taking kernels' buffers away, waits for its turn here.
 */

interface Change {
  readonly isReady: () => boolean
  readonly run: () => Promise<void>
  readonly fail: (error: Error) => void
}

export class Changes {
  private waiting: Change[] = []

  get count(): number {
    return this.waiting.length
  }

  /** @returns what `work` gives when its turn has come */
  add<T>(work: () => Promise<T>, isReady: () => boolean): Promise<T> {
    return new Promise((resolve, fail) => {
      this.waiting.push({ isReady, fail, run: () => work().then(resolve, fail) })
    })
  }

  /** Runs those that are ready, one after another. */
  async run(): Promise<void> {
    for (const change of this.waiting.filter(({ isReady }) => isReady())) {
      this.waiting = this.waiting.filter((other) => other !== change)
      await change.run()
    }
  }

  fail(error: Error): void {
    for (const change of this.waiting.splice(0)) change.fail(error)
  }
}
