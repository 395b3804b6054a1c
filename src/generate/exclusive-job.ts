/** A computation that has a sequence for itself for a while, beside the generations: reading all logits of a text. */
import type { Owner, Sequence } from './sequence-cache.ts'
import type { Adapter } from './types.ts'

export class ExclusiveJob implements Owner {
  readonly tokens = []
  readonly settled = 0
  /** Before all generations, which it does not hold up. */
  readonly order = -1
  sequence: Sequence | undefined
  /** Resolves when the job is done; rejects with what it failed with. */
  readonly finished: Promise<void>
  private resolve!: () => void
  private reject!: (error: Error) => void

  /** @param work submits one batch and awaits it, in the sequence of the given number; true when the job is done */
  constructor(
    private readonly work: (sequence: number) => Promise<boolean>,
    readonly adapter: Adapter | undefined,
  ) {
    this.finished = new Promise<void>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    adapter?.users.add(this)
    const done = () => adapter?.users.delete(this)
    this.finished.then(done, done)
  }

  /** Runs the next batch. Returns whether the job is over, done or failed. */
  async step(): Promise<boolean> {
    try {
      const done = await this.work(this.sequence!.index)
      if (done) this.resolve()
      return done
    } catch (error) {
      this.fail(error as Error)
      return true
    }
  }

  fail(error: Error): void {
    this.reject(error)
  }
}
