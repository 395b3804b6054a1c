/**
 * A host name or address as the `hostname` of a request's URL has it: in lower case, without a port, IPv6 in brackets.
 * undefined when it is none.
 */
export function hostnameOf(name: string): string | undefined {
  // Two colons or more are an IPv6 address: a port has one.
  const host = /^[^[\]]*:[^[\]]*:[^[\]]*$/.test(name) ? `[${name}]` : name
  // These would end the host, and the URL be one of something else.
  if (/[/\\?#@\s]/.test(host)) return undefined
  try {
    const { hostname } = new URL(`http://${host}`)
    // URLs let more through, such as `*`, which would look as if it stood for all names.
    return /^(\[[\da-f:.]+\]|[\w.-]+)$/.test(hostname) ? hostname : undefined
  } catch {
    return undefined
  }
}
