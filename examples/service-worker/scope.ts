/** The global object of a service worker, as far as this example uses it: TypeScript has its types apart from a page's. */

/** A page or worker of this origin. */
export interface Client {
  readonly id: string
  postMessage(message: unknown, transfer: Transferable[]): void
}

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void
}

export interface RequestEvent extends ExtendableEvent {
  readonly request: Request
  /** Who asks. */
  readonly clientId: string
  respondWith(response: Promise<Response>): void
}

export interface ServiceWorkerScope {
  readonly location: Location
  readonly clients: {
    claim(): Promise<void>
    get(id: string): Promise<Client | undefined>
    matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<readonly Client[]>
  }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void
  addEventListener(type: 'message', listener: (event: ExtendableEvent & MessageEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: RequestEvent) => void): void
}
