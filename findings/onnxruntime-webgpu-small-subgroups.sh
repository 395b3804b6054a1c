#!/usr/bin/env bash
# version: onnxruntime-node 1.30.0, on SwiftShader as @sparticuz/chromium 147.0.0 has it; models made with onnx 1.23.1
# behaviour: `GroupQueryAttention` on the WebGPU provider computes a prompt wrongly on a device with small subgroups, without an error or a warning: the first
#   rows are right, as many as a subgroup has lanes (4 on SwiftShader; 8 on lavapipe of Mesa 25), and every row after them is wrong, by
#   up to 0.2 where values are about 1. The same rows under a window that is shorter than the prompt (`local_window_size: 16`), which
#   another kernel computes, are right, and so is the CPU provider. A model that is tried on a software adapter, as tests do it, gives
#   answers that look like those of a bad model.
# The same 40 rows are computed without a window and with one, on both providers, beside a plain computation in f64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0 @sparticuz/chromium@147.0.0 2> errors || { cat errors >&2; exit 2; }
node -e "
const { brotliDecompressSync } = require('node:zlib')
const { readFileSync, writeFileSync } = require('node:fs')
writeFileSync('driver.tar', brotliDecompressSync(readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')))
"
tar xf driver.tar
driver=$(find . -name vk_swiftshader_icd.json | head -n 1)
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.1 2> errors || { cat errors >&2; exit 2; }
cat > models.py <<'PY'
from onnx import TensorProto, helper, save

ROWS = 40
FLOATS = {"query": [1, ROWS, 32], "key": [1, ROWS, 16], "value": [1, ROWS, 16], "past_key": [1, 1, 0, 16], "past_value": [1, 1, 0, 16]}
INPUTS = {**{name: (TensorProto.FLOAT, shape) for name, shape in FLOATS.items()}, "before": (TensorProto.INT32, [1]), "total": (TensorProto.INT32, [])}
given = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in INPUTS.items()]
versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
for name, attributes in (("plain", {}), ("window", {"local_window_size": 16})):
    node = helper.make_node(
        "GroupQueryAttention", list(INPUTS), ["out", "keys", "values"], domain="com.microsoft", num_heads=2, kv_num_heads=1, **attributes
    )
    results = [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in node.output]
    save(helper.make_model(helper.make_graph([node], name, given, results), opset_imports=versions, ir_version=10), f"{name}.onnx")
PY
venv/bin/python models.py
cat > try.mjs <<'JS'
import ort from 'onnxruntime-node'

const ROWS = 40
const wave = (count, step) => Float32Array.from({ length: count }, (_, i) => 1.5 * Math.sin(1 + i * step))
const floats = (data, ...shape) => new ort.Tensor('float32', data, shape)
const [query, key, value] = [wave(ROWS * 32, 0.7), wave(ROWS * 16, 1.3), wave(ROWS * 16, 2.1)]
const feeds = {
  query: floats(query, 1, ROWS, 32), key: floats(key, 1, ROWS, 16), value: floats(value, 1, ROWS, 16),
  past_key: floats(new Float32Array(0), 1, 1, 0, 16), past_value: floats(new Float32Array(0), 1, 1, 0, 16),
  before: new ort.Tensor('int32', Int32Array.of(ROWS - 1), [1]), total: new ort.Tensor('int32', Int32Array.of(ROWS), []),
}
/** Causal attention of two heads on one head of keys, in f64: each row sees `window` keys. */
const attention = (window) => Array.from({ length: ROWS * 32 }, (_, at) => {
  const [row, head, column] = [Math.floor(at / 32), Math.floor(at / 16) % 2, at % 16]
  let [above, below] = [0, 0]
  for (let j = Math.max(0, row - window + 1); j <= row; j++) {
    let score = 0
    for (let i = 0; i < 16; i++) score += (query[row * 32 + head * 16 + i] * key[j * 16 + i]) / 4
    above += Math.exp(score) * value[j * 16 + column]
    below += Math.exp(score)
  }
  return above / below
})
const wrong = []
for (const [name, window] of [['plain', ROWS], ['window', 16]]) {
  const expected = attention(window)
  for (const provider of ['cpu', 'webgpu']) {
    const session = await ort.InferenceSession.create(`${name}.onnx`, { executionProviders: [provider], logSeverityLevel: 3 })
    const { out } = await session.run(feeds)
    const off = Array.from(out.data, (x, i) => Math.abs(x - expected[i]))
    const rows = Array.from({ length: ROWS }, (_, row) => Math.max(...off.slice(row * 32, row * 32 + 32)))
    const bad = rows.flatMap((most, row) => (most < 1e-3 ? [] : [row]))
    console.log(`${name} on ${provider}: off by ${Math.max(...off).toFixed(6)}; ${bad.length} wrong rows, the first of which is ${bad[0]}`)
    wrong.push([bad.length, bad[0]].join())
  }
}
process.exit(/^0,\|[23]\d,4\|0,\|0,$/.test(wrong.join('|')) ? 0 : 1)
JS
VK_ICD_FILENAMES="$PWD/$driver" VK_DRIVER_FILES="$PWD/$driver" node try.mjs 2> log || { cat log >&2; exit 1; }
