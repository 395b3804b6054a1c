/** Why nothing can run here, and what to do about it; undefined when all is well. */
export async function webGpuTrouble(): Promise<string | undefined> {
  if (!isSecureContext) {
    return 'Browsers hide WebGPU from pages that are not secure. Open this page over https, or from localhost.'
  }
  // The types promise what older browsers do not have.
  const gpu = navigator.gpu as GPU | undefined
  if (gpu === undefined) {
    return (
      'This browser has no WebGPU. Use Chrome or Edge 113, Safari 26, Firefox 141, or newer. ' +
      'Chrome on Linux may want the flag chrome://flags/#enable-unsafe-webgpu.'
    )
  }
  if ((await gpu.requestAdapter()) !== null) return undefined
  return (
    'This browser has WebGPU but found no GPU that it accepts. Turn on graphics acceleration in its settings and ' +
    'update the graphics driver; chrome://gpu tells what is missing.'
  )
}
