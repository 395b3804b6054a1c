/** How long tests may take, by the adapter that computes: limits are written for lavapipe, and set here for the others. */

/** SwiftShader compiles and computes for some four times as long. */
const SLOWER = 4

/** A timeout in milliseconds on this run's adapter, from the one on lavapipe. */
export function patience(ms: number, env: Record<string, string | undefined> = process.env): number {
  const driver = env.MISTRAL_WEBGPU_ADAPTER ?? env.VK_ICD_FILENAMES ?? env.VK_DRIVER_FILES ?? ''
  return driver.includes('swiftshader') ? SLOWER * ms : ms
}
