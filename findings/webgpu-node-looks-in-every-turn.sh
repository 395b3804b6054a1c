#!/usr/bin/env bash
# version: webgpu 0.6.2 (Dawn's binding for Node), on SwiftShader as @sparticuz/chromium 147.0.0 has it
# behaviour: while one promise of a device is pending, the binding asks the device in every turn of the event loop, without a
#   pause, for as long as the GPU works: it looks `setImmediate` up on the global object anew for each look. A dispatch of a second or
#   more is waited for with thousands of looks, that is, with a whole core, of which a CPU adapter is then short; the same dispatch
#   is waited for with none when the promise is asked for only after a timer. An idle device takes no looks.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2 @sparticuz/chromium@147.0.0 2> errors || { cat errors >&2; exit 2; }
node -e "
const { brotliDecompressSync } = require('node:zlib')
const { readFileSync, writeFileSync } = require('node:fs')
writeFileSync('driver.tar', brotliDecompressSync(readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')))
"
tar xf driver.tar
driver=$(dirname "$(find . -name vk_swiftshader_icd.json | head -n 1)")
cat > try.mjs <<'JS'
import { create, globals } from 'webgpu'

Object.assign(globalThis, globals)
const own = globalThis.setImmediate
let looks = 0
globalThis.setImmediate = (...given) => {
  looks++
  return own(...given)
}
const looksDuring = async (wait) => {
  looks = 0
  await wait()
  return looks
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const gpu = create([])
const device = await (await gpu.requestAdapter()).requestDevice()
const module = device.createShaderModule({
  code: `@group(0) @binding(0) var<storage, read_write> b: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = f32(id.x);
  for (var i = 0u; i < u32(b[0]); i++) { x = sin(x) + 1.0; }
  b[1u + id.x % 1000u] = x;
}`,
})
const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
const buffer = device.createBuffer({ size: 16384, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST })
const bindGroup = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer } }],
})
function submit(turns) {
  device.queue.writeBuffer(buffer, 0, new Float32Array([turns]))
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, bindGroup)
  pass.dispatchWorkgroups(400)
  pass.end()
  device.queue.submit([encoder.finish()])
}

// The number of turns that take about a second here.
let turns = 100
let took = 0
while (took < 1000) {
  turns *= 2
  submit(turns)
  const start = performance.now()
  await device.queue.onSubmittedWorkDone()
  took = performance.now() - start
}
const idle = await looksDuring(() => pause(500))
submit(turns)
const pending = await looksDuring(() => device.queue.onSubmittedWorkDone())
submit(turns)
const asleep = await looksDuring(() => pause(took / 2))
await device.queue.onSubmittedWorkDone()
console.log(`looks at a device that is idle for half a second: ${idle}`)
console.log(`looks while a promise of a dispatch of ${took.toFixed(0)} ms is pending: ${pending}`)
console.log(`looks while such a dispatch runs and no promise is pending: ${asleep}`)
device.destroy()
process.exit(pending > 1000 && asleep < 10 && idle < 10 ? 0 : 1)
JS
LD_LIBRARY_PATH="$PWD/$driver" VK_ICD_FILENAMES="$PWD/$driver/vk_swiftshader_icd.json" node try.mjs
