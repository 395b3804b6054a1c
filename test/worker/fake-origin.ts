/** Tabs of one origin without a browser: locks and channels in this process, and tabs that can be closed at any moment. */
import { MessageChannel } from 'node:worker_threads'
import { ChatStream } from '../../src/chat/chat-model.ts'
import type { ChatRequest } from '../../src/index.ts'
import type { Tabs } from '../../src/platform/tabs.ts'
import { closable, portOf, type WorkerPort } from '../../src/platform/worker-types.ts'
import { joinTabs, type SharedLoad } from '../../src/worker/join-tabs.ts'
import { WorkerSession } from '../../src/worker/session.ts'
import { SharedHost } from '../../src/worker/shared-host.ts'
import type { SharedModel } from '../../src/worker/shared-model.ts'

interface Waiting {
  readonly owner: FakeTabs
  grant(release: () => void): void
}

interface Channel {
  readonly name: string
  listener: (message: unknown) => void
}

export class FakeOrigin {
  readonly locks = new Map<string, Waiting[]>()
  readonly channels = new Set<Channel>()
  /** Models that were loaded by tabs that lead, or began to be. */
  loads = 0
  readonly #shared: { readonly tabs: FakeTabs; readonly host: SharedHost; readonly ports: WorkerPort[] }[] = []

  /** @param gpu what the browser says of its shared workers: whether they have a GPU, or that there are none */
  constructor(private readonly gpu: boolean | 'no worker' = 'no worker') {}

  tab(): FakeTab {
    return new FakeTab(this)
  }

  /** Times in which a shared worker was started. */
  get sharedWorkers(): number {
    return this.#shared.length
  }

  connect(): WorkerPort {
    const { gpu } = this
    if (gpu === 'no worker') throw new Error('there is none')
    let worker = this.#shared.at(-1)
    if (worker === undefined || worker.tabs.gone) {
      const tabs = new FakeTabs(this)
      worker = {
        tabs,
        host: new SharedHost(
          async () => gpu,
          () => tabs,
        ),
        ports: [],
      }
      this.#shared.push(worker)
    }
    const { port1, port2 } = new MessageChannel()
    worker.ports.push(portOf(port2))
    worker.host.connect(portOf(port2))
    return closable(portOf(port1))
  }

  /** The shared worker ends, of which its tabs hear nothing. */
  crashSharedWorker(): void {
    const { tabs, ports } = this.#shared.at(-1)!
    tabs.crash()
    for (const port of ports) port.close()
  }

  /** The first in the list has the lock. */
  leave(name: string, one: Waiting): void {
    const list = this.locks.get(name) ?? []
    const at = list.indexOf(one)
    if (at < 0) return
    list.splice(at, 1)
    if (list.length === 0) this.locks.delete(name)
    else if (at === 0) this.grantFirst(name)
  }

  grantFirst(name: string): void {
    const first = this.locks.get(name)![0]!
    setTimeout(() => {
      if (this.locks.get(name)?.[0] === first) first.grant(() => this.leave(name, first))
    })
  }
}

/** What a page, or its worker, sees of the origin. */
class FakeTabs implements Tabs {
  readonly #channels = new Set<Channel>()
  #gone = false

  get gone(): boolean {
    return this.#gone
  }

  constructor(private readonly origin: FakeOrigin) {}

  channel(name: string): WorkerPort {
    const own: Channel = { name, listener: () => {} }
    this.#channels.add(own)
    this.origin.channels.add(own)
    return closable({
      post: (message) => {
        for (const other of this.#gone ? [] : this.origin.channels) {
          if (other === own || other.name !== name) continue
          const copy = structuredClone(message)
          setTimeout(() => this.origin.channels.has(other) && other.listener(copy))
        }
      },
      listen(onMessage) {
        own.listener = onMessage
      },
      onFailure() {},
      close: () => void this.origin.channels.delete(own),
    })
  }

  lock(name: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const one: Waiting = { owner: this, grant: resolve }
      const list = this.origin.locks.get(name) ?? []
      if (!this.#gone) this.origin.locks.set(name, list)
      signal.addEventListener('abort', () => {
        if (list[0] === one && !this.#gone) return
        this.origin.leave(name, one)
        reject(signal.reason)
      })
      if (!this.#gone && list.push(one) === 1) this.origin.grantFirst(name)
    })
  }

  crash(): void {
    this.#gone = true
    for (const channel of this.#channels) this.origin.channels.delete(channel)
    for (const [name, list] of [...this.origin.locks]) {
      for (const one of list.filter(({ owner }) => owner === this)) this.origin.leave(name, one)
    }
  }
}

type Given = Partial<Pick<SharedLoad, 'shared' | 'host' | 'source' | 'options' | 'onTabs'>>

/** A page with its worker. */
export class FakeTab {
  readonly #page: FakeTabs
  readonly #workers: { readonly tabs: FakeTabs; readonly end: () => void }[] = []
  readonly #ports: WorkerPort[] = []
  model!: SharedModel
  crashed = false

  constructor(private readonly origin: FakeOrigin) {
    this.#page = new FakeTabs(origin)
  }

  async load({ shared = true, host = 'auto', source = 'pocket', options = {}, onTabs }: Given = {}): Promise<this> {
    const { signal: _, onProgress: __, ...rest } = options
    this.model = await joinTabs(
      {
        ...{ shared, host, source, options, onTabs },
        connect: () => this.#connect(),
        start: () => this.#startWorker(),
        load: (link, call) => link.call('load', [source, rest], call),
      },
      this.#page,
    )
    return this
  }

  get leads(): boolean {
    return this.#workers.length > 0
  }

  #connect(): WorkerPort {
    const port = this.origin.connect()
    this.#ports.push(port)
    return port
  }

  #startWorker(): WorkerPort {
    this.origin.loads++
    const { port1, port2 } = new MessageChannel()
    const tabs = new FakeTabs(this.origin)
    new WorkerSession(portOf(port2), () => tabs)
    const port = portOf(port1)
    let fail: (why: string) => void = () => {}
    this.#workers.push({ tabs, end: () => fail('it ended') })
    return { ...port, onFailure: (onFailure) => (fail = onFailure) }
  }

  generate(request: ChatRequest, signal?: AbortSignal): ChatStream {
    return new ChatStream(this.model.stream(request, signal))
  }

  /** Its worker ends, and the page does not. */
  loseWorker(): void {
    const { tabs, end } = this.#workers.at(-1)!
    tabs.crash()
    end()
  }

  /** It is gone from one moment to the next. */
  crash(): void {
    this.crashed = true
    this.#page.crash()
    for (const port of this.#ports) port.close()
    for (const { tabs, end } of this.#workers) {
      tabs.crash()
      end()
    }
  }

  close(): Promise<void> {
    return this.model.end('the model was disposed of')
  }
}
