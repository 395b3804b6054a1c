/** The proxy that the environment names, for requests of the command line. Deno and Bun go through it by themselves. */

type Environment = Readonly<Record<string, string | undefined>>

/** What newer versions of Node have: it reads the environment itself. */
interface Http {
  setGlobalProxyFromEnv?(): unknown
}

/**
 * Sends requests through the proxy of `HTTPS_PROXY` and `HTTP_PROXY`, but for the hosts in `NO_PROXY`, as other programs do.
 * Nothing happens where no proxy is named, or where Node cannot be told.
 */
export async function useProxy(
  env: Environment = process.env,
  load: () => Promise<object> = () => import('node:http'),
): Promise<void> {
  const isNamed = ['HTTPS_PROXY', 'HTTP_PROXY'].some((name) => env[name] || env[name.toLowerCase()])
  if (!isNamed) return
  const http: Http = await load()
  http.setGlobalProxyFromEnv?.()
}
