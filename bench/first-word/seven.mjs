/** The least that any program does on an adapter: adapter, device, one small dispatch, its result. */

const code = `
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1) fn main() { out[0] = 7u; }`

export async function sevenOf(gpu) {
  const device = await (await gpu.requestAdapter()).requestDevice()
  const compute = { module: device.createShaderModule({ code }), entryPoint: 'main' }
  const pipeline = await device.createComputePipelineAsync({ label: 'seven', layout: 'auto', compute })
  // STORAGE and COPY_SRC; MAP_READ and COPY_DST.
  const [made, staging] = [0x84, 0x09].map((usage) => device.createBuffer({ size: 16, usage }))
  const entries = [{ binding: 0, resource: { buffer: made } }]
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(made, 0, staging, 0, 16)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(1)
  const [seven] = new Uint32Array(staging.getMappedRange())
  device.destroy()
  return seven
}
