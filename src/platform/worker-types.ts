/** Both ends of a worker, which browsers and Node name differently. */

const UNREAD = 'its script cannot be loaded'

/** One end: what is posted here arrives at the other, as a structured clone. */
export interface WorkerPort {
  post(message: unknown): void
  /** @param onMessage hears of each message that arrives */
  listen(onMessage: (message: unknown) => void): void
  /** @param onFailure hears that the other end is gone, or that a message could not be read, and why */
  onFailure(onFailure: (why: string) => void): void
  /** Ends it; a worker ends with its port. */
  close(): void
}

/** What is like a port: a `Worker`, a `MessagePort` or a worker's own scope, of a browser or of Node. */
export interface PortLike {
  postMessage(message: unknown): void
  // biome-ignore lint/suspicious/noExplicitAny: the listeners of browsers and of Node have no type in common.
  addEventListener?(type: string, listener: (event: any) => void): void
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  on?(type: any, listener: (value: any) => void): unknown
  start?(): void
  close?(): void
  terminate?(): unknown
}

/** What is like the `SharedWorker` of browsers. */
export interface SharedWorkerLike {
  readonly port: PortLike
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  addEventListener(type: string, listener: (event: any) => void): void
}

/** One interface over the ports of all runtimes. */
export function portOf(port: PortLike): WorkerPort {
  // Node's ports are emitters, and those among them that know addEventListener too lack some events there.
  const { on } = port
  return {
    post: (message) => port.postMessage(message),
    listen(onMessage) {
      if (on) on.call(port, 'message', onMessage)
      else port.addEventListener?.('message', (event: MessageEvent) => onMessage(event.data))
      port.start?.()
    },
    onFailure(onFailure) {
      if (on) {
        on.call(port, 'error', (error: unknown) => onFailure(String(error)))
        on.call(port, 'messageerror', (error: unknown) => onFailure(`a message cannot be read: ${error}`))
        on.call(port, 'exit', () => onFailure('the worker ended'))
        return
      }
      port.addEventListener?.('error', (event: ErrorEvent) => onFailure(event.message || UNREAD))
      port.addEventListener?.('messageerror', () => onFailure('a message cannot be read'))
    },
    close: () => (port.terminate ? void port.terminate() : port.close?.()),
  }
}

/** The way to a shared worker, which tells at another place that its script cannot be loaded. */
export function sharedPortOf(worker: SharedWorkerLike): WorkerPort {
  const port = portOf(worker.port)
  return closable({
    ...port,
    onFailure(onFailure) {
      port.onFailure(onFailure)
      worker.addEventListener('error', (event) => onFailure(event.message || UNREAD))
    },
  })
}

/** A port may throw at those who post after its end, and still deliver to them what was posted before. */
export function closable(port: WorkerPort): WorkerPort {
  let open = true
  return {
    post: (message) => open && port.post(message),
    listen: (onMessage) => port.listen((message) => open && onMessage(message)),
    onFailure: (onFailure) => port.onFailure(onFailure),
    close() {
      open = false
      port.close()
    },
  }
}
