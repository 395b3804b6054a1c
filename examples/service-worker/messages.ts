/**
 * What the service worker and the page with the model say to each other. There are types alone here: with a value that both
 * import, the bundler would put it into a file of its own, and plain scripts have no imports.
 */

/** To a page: whether it answers requests. A port for the rest comes along. */
export type Question = 'do you answer requests?'

/**
 * To the service worker: that an answer is on its way, which keeps the browser from ending it; or that it has not got this
 * page, as after a reload past the cache.
 */
export type Notice = 'an answer is on its way' | 'take this page'

export interface SentRequest {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: ArrayBuffer | undefined
}

/** From the service worker. */
export type ToPage =
  | { readonly op: 'request'; readonly request: SentRequest }
  /** The reader wants more: an answer is computed no faster than it is read. */
  | { readonly op: 'pull' }
  | { readonly op: 'cancel' }

/** From the page. */
export type ToWorker =
  | { readonly op: 'yes' }
  | {
      readonly op: 'head'
      readonly status: number
      readonly headers: readonly (readonly [string, string])[]
      readonly hasBody: boolean
    }
  | { readonly op: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly op: 'end' }
  | { readonly op: 'failed'; readonly message: string }
