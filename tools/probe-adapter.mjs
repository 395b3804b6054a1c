/**
 * Prints, as one line of JSON, the adapter that Dawn finds in this environment, or null. A process of its own, because
 * a driver that Dawn does not like can take the process with it, and because the environment must be set before.
 */
const { create } = await import('webgpu')
const gpu = create([])
// Kept reachable: Dawn crashes when the instance is collected while its adapter lives.
globalThis.keptInstance = gpu
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
const found = adapter && {
  vendor: adapter.info.vendor,
  architecture: adapter.info.architecture,
  description: adapter.info.description,
  // Dawn says "fallback" for adapters that run on the CPU.
  software: adapter.info.isFallbackAdapter === true || /swiftshader|llvmpipe/i.test(adapter.info.description),
  features: [...adapter.features].filter((name) => ['shader-f16', 'subgroups', 'timestamp-query'].includes(name)),
}
console.log(JSON.stringify(found))
