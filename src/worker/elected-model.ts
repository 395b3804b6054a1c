/** A model that is in the worker of one of its tabs: this tab asks the one that leads, and leads itself when its turn comes. */
import type { LoadProgress } from '../model/load-progress.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { fired, pause } from './fired.ts'
import { type GroupMessage, leaderLock } from './group.ts'
import { WorkerLink } from './link.ts'
import { type Membership, SharedModel } from './shared-model.ts'

export class ElectedModel extends SharedModel {
  readonly host = 'leader'
  readonly #channel: WorkerPort

  constructor(own: Membership) {
    super(own)
    this.#channel = own.tabs.channel(own.group)
    this.#channel.listen((message) => this.#hear(message as GroupMessage))
  }

  /** Leads whenever the tab that did is gone. */
  protected async provide(): Promise<void> {
    const { signal } = this.leaving
    this.#ask()
    while (!signal.aborted) {
      const release = await this.own.tabs.lock(leaderLock(this.own.group), signal)
      try {
        await this.#lead()
      } finally {
        release()
      }
      await pause(signal)
    }
  }

  /** Returns when this tab should try again. Throws when it has tried enough. */
  async #lead(): Promise<void> {
    const { group, start, load } = this.own
    const { signal } = this.leaving
    const term = crypto.randomUUID()
    this.#tell({ op: 'gone', next: term })
    this.lose()
    let worker: WorkerLink | undefined
    try {
      worker = new WorkerLink(start())
      await load(worker, { signal, onProgress: (progress) => this.#progress(progress) })
      await worker.call('share', [group, term], { signal })
      this.succeeded()
      throw await Promise.race([worker.closed, fired(signal)])
    } catch (error) {
      this.failed(error)
    } finally {
      await worker?.end('another tab leads')
    }
  }

  #progress(progress: LoadProgress): void {
    this.#tell({ op: 'progress', progress })
    this.#hear({ op: 'progress', progress })
  }

  #tell(message: GroupMessage): void {
    this.#channel.post(message)
  }

  #hear(message: GroupMessage): void {
    const term = this.link?.facts?.shared?.term
    if (message.op === 'gone' && message.next !== term) this.lose()
    else if (message.op === 'leading' && message.term !== term) {
      this.lose()
      this.#ask()
    } else if (message.op === 'progress' && this.facts === undefined) this.own.onProgress?.(message.progress)
  }

  /** Asks whoever leads for its facts; nobody answers while none does. */
  #ask(): void {
    const port = `${this.own.group} ${crypto.randomUUID()}`
    const link = new WorkerLink(this.own.tabs.channel(port), (facts) => this.take(link, facts))
    this.asking = link
    this.#tell({ op: 'hello', member: this.id, port })
  }

  protected override fail(error: Error): void {
    super.fail(error)
    this.#channel.close()
  }
}
