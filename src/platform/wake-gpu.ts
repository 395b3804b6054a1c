/** The command line's first look at the GPU, which Dawn uses to complain about limits that nobody asked for. */
import { platform } from '#platform'
import { withoutLines } from './stderr-filter.ts'

/** Dawn writes them once for each adapter of a Vulkan driver that has larger limits than Dawn itself. */
const DAWN_WARNING = /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from/

/** What fails here fails again where the GPU is needed, and is told there. */
export async function wakeGpu(): Promise<void> {
  try {
    const gpu = await platform.openGpu()
    await (platform.name === 'node' ? withoutLines(DAWN_WARNING, () => gpu.requestAdapter()) : undefined)
  } catch {
    // The command itself says what is missing.
  }
}
