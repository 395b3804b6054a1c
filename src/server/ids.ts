/** Ids of requests and completions. `crypto.randomUUID` would need a secure context; random bytes do not. */

export function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The client's own request id when it is short and plain enough to be put into headers and logs, else a new one. */
export function requestId(incoming: string | null | undefined): string {
  return incoming && /^[\w.:-]{1,128}$/.test(incoming) ? incoming : `req-${randomHex(12)}`
}
