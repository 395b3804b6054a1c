/** A model that is in the shared worker of its tabs, where no tab is missed that closes. */
import { AbortError, MistralError } from '../errors.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { fired, pause } from './fired.ts'
import { hostLock, VERSION } from './group.ts'
import { WorkerError, WorkerLink } from './link.ts'
import { SharedModel } from './shared-model.ts'

/**
 * How long an answer to each greeting is waited for, in milliseconds. A worker whose script came in several files may have
 * missed the first: it hears only of connections that are made once it listens.
 */
const TRIES_MS = [1000, 2000, 4000, 8000, 15_000]

/** There is no shared worker that could have the model. */
export class NoSharedWorker extends WorkerError {}

export class SharedWorkerModel extends SharedModel {
  readonly host = 'shared-worker'
  /** Waits until the worker has let go of what it had for this tab. */
  #left: Promise<void> = Promise.resolve()
  /** Gives an error when the worker that this tab has joined is gone, which closes no port. */
  #gone: Promise<Error> | undefined

  /** Connects again whenever the worker is gone. */
  protected async provide(): Promise<void> {
    const { signal } = this.leaving
    while (!signal.aborted) {
      await this.#use()
      await pause(signal)
    }
  }

  /** Returns when this tab should try again. Throws when it has tried enough. */
  async #use(): Promise<void> {
    const { load, onProgress, tabs } = this.own
    const { signal } = this.leaving
    const watching = new AbortController()
    try {
      const [link, term] = await this.#connect()
      this.#gone = goneWorker(tabs.lock(hostLock(term), watching.signal))
      const ended = [link.closed, fired(signal), this.#gone]
      // The model tells its facts as soon as it is loaded.
      const loading = load(link, {
        signal,
        onProgress: (progress) => this.facts === undefined && onProgress?.(progress),
      })
      const early = await Promise.race([loading.then(() => undefined), ...ended])
      if (early !== undefined) throw early
      this.succeeded()
      throw await Promise.race(ended)
    } catch (error) {
      this.failed(error)
    } finally {
      await this.#left
      this.#gone = undefined
      watching.abort()
    }
  }

  /** A link to the worker, which knows of this tab, and the name of the worker. */
  async #connect(): Promise<[WorkerLink, string]> {
    const { group, start } = this.own
    const { signal } = this.leaving
    for (const patience of TRIES_MS) {
      const link: WorkerLink = new WorkerLink(started(start), (facts) => this.take(link, facts))
      this.asking = link
      const silence = AbortSignal.timeout(patience)
      const join = link.call<string>('join', [VERSION, group, this.id], { signal: AbortSignal.any([signal, silence]) })
      const term = await join.catch((error: Error) => {
        if (signal.aborted) throw error
        if (error instanceof AbortError) return undefined
        throw new NoSharedWorker(`no shared worker can have the model: ${error.message}`, { cause: error })
      })
      if (term !== undefined) return [link, term]
      this.lose()
    }
    throw new NoSharedWorker('the shared worker does not answer')
  }

  /** The worker goes on for others. One that was not joined knows of nothing, or sees by the lock that this tab leaves. */
  protected override leave(link: WorkerLink, error: Error): void {
    if (this.#gone === undefined) {
      link.fail(error)
      return
    }
    this.#left = link.leave(error)
    this.#gone.then((gone) => link.fail(gone)).catch(() => {})
  }
}

/** Gives an error as soon as the lock is to be had that the worker holds while it lives. */
async function goneWorker(lock: Promise<() => void>): Promise<Error> {
  const giveBack = await lock
  giveBack()
  return new WorkerError('the shared worker is gone')
}

function started(start: () => WorkerPort): WorkerPort {
  try {
    return start()
  } catch (error) {
    if (error instanceof MistralError) throw error
    throw new NoSharedWorker(`no shared worker can be started: ${(error as Error).message}`, { cause: error })
  }
}
