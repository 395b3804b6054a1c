#!/usr/bin/env bash
# version: webgpu 0.6.2 (Dawn's binding for Node), on SwiftShader as @sparticuz/chromium 147.0.0 has it
# behaviour: where WGSL's compiler can work a conversion to half precision out itself, it cuts the number off towards zero; the same expression of a value from a
#   buffer is rounded to the nearest. pack2x16float(vec2f(0.0039)) is 0x1bfc1bfc as a constant and 0x1bfd1bfd at run time, and so for
#   about half of all numbers. WGSL lets a compiler choose either neighbour, but a table of scales that is written into a shader, or a value
#   that becomes constant by an edit elsewhere, so gives other results than the same numbers from a buffer, and all of them err to one side. f32(f16(x))
#   of a constant is cut off alike on devices with f16.
# 200 numbers are converted both ways, beside the nearest half of each, and the one towards zero.
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
driver=$(find . -name vk_swiftshader_icd.json | head -n 1)
export VK_ICD_FILENAMES="$PWD/$driver" VK_DRIVER_FILES="$PWD/$driver"
cat > try.mjs <<'JS'
import { create, globals } from 'webgpu'

Object.assign(globalThis, globals)
const COUNT = 200
const numbers = Float32Array.from({ length: COUNT }, (_, i) => (i === 0 ? 0.0039 : 1 + Math.abs(Math.sin(i)) * 8))
/** The bits of a positive number as a normal half, cut off towards zero. */
function cut(x) {
  const power = Math.floor(Math.log2(x))
  return (power + 15) * 1024 + Math.floor((x / 2 ** power - 1) * 1024)
}
const valueOf = (bits) => 2 ** ((bits >> 10) - 15) * (1 + (bits & 1023) / 1024)
const nearest = (x) => [cut(x), cut(x) + 1].sort((a, b) => Math.abs(valueOf(a) - x) - Math.abs(valueOf(b) - x))[0]

const device = await (await create([]).requestAdapter()).requestDevice()
const code = `
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@compute @workgroup_size(1) fn main() {
  ${[...numbers].map((x, i) => `output[${2 * i}] = pack2x16float(vec2f(${x}f, 0f));\n  output[${2 * i + 1}] = pack2x16float(vec2f(input[${i}], 0f));`).join('\n  ')}
}`
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }), entryPoint: 'main' } })
const size = COUNT * 8
const buffer = (size, usage) => device.createBuffer({ size, usage })
const input = buffer(COUNT * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST)
const output = buffer(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC)
const staging = buffer(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
device.queue.writeBuffer(input, 0, numbers)
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
const words = [...new Uint32Array(staging.getMappedRange())]
const [constants, computed] = [0, 1].map((which) => words.filter((_, i) => i % 2 === which))
const count = (list, rule) => list.filter((bits, i) => bits === rule(numbers[i])).length
console.log(`constants: ${count(constants, cut)} of ${COUNT} are cut off, ${count(constants, nearest)} are the nearest`)
console.log(`at run time: ${count(computed, cut)} of ${COUNT} are cut off, ${count(computed, nearest)} are the nearest`)
console.log(`0.0039: ${constants[0].toString(16)} as a constant, ${computed[0].toString(16)} at run time`)
const same = count(constants, cut) === COUNT && count(computed, nearest) === COUNT && count(constants, nearest) < 0.7 * COUNT
process.exit(same ? 0 : 1)
JS
node --no-warnings try.mjs 2> log || { cat log >&2; exit 1; }
