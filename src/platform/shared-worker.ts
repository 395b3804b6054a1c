/** What a shared worker of a browser knows of itself. */
import { portOf, type WorkerPort } from './worker-types.ts'

/**
 * Calls `use` with a port for each tab that connects, from now on.
 * @returns whether this is a shared worker
 */
export function withTabs(use: (port: WorkerPort) => void): boolean {
  if (!('onconnect' in globalThis)) return false
  globalThis.addEventListener('connect', (event) => use(portOf((event as MessageEvent).ports[0]!)))
  return true
}

/** Whether it could compute: some browsers have WebGPU in pages and workers of one page alone. */
export async function hasAdapter(): Promise<boolean> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: GPU }
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  return adapter != null
}
