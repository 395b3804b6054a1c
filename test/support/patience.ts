/** How long tests may take: limits are written for lavapipe on a machine that does nothing else, and set here for the others. */

/** SwiftShader compiles and computes for some four times as long. */
const SLOWER = 4
/** A machine of a CI may be much slower than the one on which a limit was measured, and have other things to do. */
const BUSY = 3

/** A timeout in milliseconds on this run's adapter, from the one on lavapipe. Only what hangs waits so long. */
export function patience(ms: number, env: Record<string, string | undefined> = process.env): number {
  const driver = env.MISTRAL_WEBGPU_ADAPTER ?? env.VK_ICD_FILENAMES ?? env.VK_DRIVER_FILES ?? ''
  return BUSY * (driver.includes('swiftshader') ? SLOWER * ms : ms)
}

/** For what becomes true a moment later. */
export const SOON = { timeout: patience(30_000) }
