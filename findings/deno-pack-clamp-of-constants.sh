#!/usr/bin/env bash
# version: Deno 2.9.6 (wgpu) and webgpu 0.6.2 (Dawn), on SwiftShader as @sparticuz/chromium 147.0.0 has it
# behaviour: in Deno on SwiftShader `pack4xI8Clamp` makes 127 of every component that is a constant of the shader: pack4xI8Clamp(vec4i(x, 1, -1, 2)) with x = 10
#   is 0x7f7f7f0a, where Dawn on the same driver gives 0x02ff010a. Components that are not constant are right, and so are pack4xU8Clamp,
#   and `pack4xI8` of a `clamp` that is written out, with the same constants. A shader that was tried with values from buffers alone, or on
#   Mesa's lavapipe, where Deno is right, shows none of it. No error, no warning.
# One shader with these expressions runs in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund deno@2.9.6 webgpu@0.6.2 @sparticuz/chromium@147.0.0 2> errors || { cat errors >&2; exit 2; }
node -e "
const { brotliDecompressSync } = require('node:zlib')
const { readFileSync, writeFileSync } = require('node:fs')
writeFileSync('driver.tar', brotliDecompressSync(readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')))
"
tar xf driver.tar
driver=$(find . -name vk_swiftshader_icd.json | head -n 1)
export VK_ICD_FILENAMES="$PWD/$driver" VK_DRIVER_FILES="$PWD/$driver"
cat > try.mjs <<'JS'
const deno = typeof Deno !== 'undefined'
let gpu = globalThis.navigator?.gpu
if (!deno) {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  gpu = create([])
}
const EXPRESSIONS = [
  'pack4xI8Clamp(v)',
  'pack4xI8Clamp(vec4i(v.x, 1, -1, 2))',
  'pack4xI8Clamp(vec4i(v.x, 1, v.z, v.w))',
  'pack4xI8(clamp(vec4i(v.x, 1, -1, 2), vec4i(-128), vec4i(127)))',
  'pack4xU8Clamp(vec4u(u32(v.x), 1, 300, 2))',
]
const device = await (await gpu.requestAdapter()).requestDevice()
const code = `
@group(0) @binding(0) var<storage, read> input: vec4i;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@compute @workgroup_size(1) fn main() {
  let v = input;
  ${EXPRESSIONS.map((expression, i) => `output[${i}] = ${expression};`).join('\n  ')}
}`
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }), entryPoint: 'main' } })
const size = EXPRESSIONS.length * 4
const buffer = (size, usage) => device.createBuffer({ size, usage })
const [input, output] = [buffer(16, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST), buffer(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC)]
const staging = buffer(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
device.queue.writeBuffer(input, 0, Int32Array.of(10, 20, 30, 40))
const entries = [input, output].map((each, binding) => ({ binding, resource: { buffer: each } }))
const encoder = device.createCommandEncoder()
const pass = encoder.beginComputePass()
pass.setPipeline(pipeline)
pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
pass.dispatchWorkgroups(1)
pass.end()
encoder.copyBufferToBuffer(output, 0, staging, 0, size)
device.queue.submit([encoder.finish()])
await staging.mapAsync(GPUMapMode.READ)
const seen = [...new Uint32Array(staging.getMappedRange())].map((word) => word.toString(16).padStart(8, '0'))
seen.forEach((word, i) => console.log(`${EXPRESSIONS[i]} in ${deno ? 'Deno' : 'Dawn'}: ${word}`))
const RIGHT = ['281e140a', '02ff010a', '281e010a', '02ff010a', '02ff010a']
const EXPECTED = deno ? ['281e140a', '7f7f7f0a', '281e7f0a', '02ff010a', '02ff010a'] : RIGHT
const same = seen.join() === EXPECTED.join()
if (deno) Deno.exit(same ? 0 : 1)
process.exit(same ? 0 : 1)
JS
node --no-warnings try.mjs 2> log || { cat log >&2; exit 1; }
DENO_DIR="$folder/cache" DENO_NO_UPDATE_CHECK=1 node_modules/.bin/deno run --quiet --no-lock --allow-all --unstable-webgpu try.mjs 2> log || { cat log >&2; exit 1; }
