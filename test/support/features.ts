/**
 * The features that this run must do without, from `MISTRAL_WEBGPU_DISABLE` (`shader-f16,subgroups`). Tests pass them on
 * when they open a device, so that the baseline is tested on adapters that have more.
 */
export function disabledFeatures(env: Record<string, string | undefined> = process.env): string[] {
  const words = (env.MISTRAL_WEBGPU_DISABLE ?? '').split(',')
  return words.map((word) => word.trim()).filter((word) => word !== '')
}
