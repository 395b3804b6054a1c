#!/usr/bin/env bash
# version: onnxruntime-node 1.30.0, on SwiftShader as @sparticuz/chromium 147.0.0 has it (lavapipe of Mesa 25 gives the same); models made with onnx 1.23.1
# behaviour: `GroupQueryAttention` on the WebGPU provider takes the attribute `softcap` and the input `position_ids` and uses neither, without an error or a
#   warning. With `softcap: 2` the answer is that of no cap at all; with position ids that begin at 3 the keys of the cache are turned as if
#   the ids began at 0. The CPU provider of the same package obeys both. A model of Gemma 2's kind answers differently on the GPU, and so does
#   every sequence whose positions are not its places in the cache, as one that is padded on the left.
# One small graph of each kind runs on both providers, beside a plain computation in f64.
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

FLOATS = {"query": [1, 3, 32], "key": [1, 3, 16], "value": [1, 3, 16], "past_key": [1, 1, 0, 16], "past_value": [1, 1, 0, 16]}
REST = {"before": (TensorProto.INT32, [1]), "total": (TensorProto.INT32, [])}
TURN = {"cos": (TensorProto.FLOAT, [16, 8]), "sin": (TensorProto.FLOAT, [16, 8]), "positions": (TensorProto.INT64, [1, 3])}


def model(name, more, **attributes):
    inputs = {**{each: (TensorProto.FLOAT, shape) for each, shape in FLOATS.items()}, **REST, **more}
    node = helper.make_node(
        "GroupQueryAttention", list(inputs), ["out", "keys", "values"], domain="com.microsoft", num_heads=2, kv_num_heads=1, **attributes
    )
    given = [helper.make_tensor_value_info(each, kind, shape) for each, (kind, shape) in inputs.items()]
    results = [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in node.output]
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    save(helper.make_model(helper.make_graph([node], name, given, results), opset_imports=versions, ir_version=10), f"{name}.onnx")


model("cap", {}, softcap=2.0)
model("turn", TURN, do_rotary=1)
PY
venv/bin/python models.py
cat > try.mjs <<'JS'
import ort from 'onnxruntime-node'

const wave = (count, step) => Float32Array.from({ length: count }, (_, i) => 3 * Math.sin(1 + i * step))
const tensor = (data, ...shape) =>
  new ort.Tensor(data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'int64', data, shape)
const [query, key, value] = [wave(96, 0.7), wave(48, 1.3), wave(48, 2.1)]
const angle = (position, i) => position / 10000 ** (i / 8)
const table = (turn) => Float32Array.from({ length: 128 }, (_, i) => turn(angle(Math.floor(i / 8), i % 8)))
const feeds = {
  query: tensor(query, 1, 3, 32), key: tensor(key, 1, 3, 16), value: tensor(value, 1, 3, 16), total: tensor(Int32Array.of(3)),
  past_key: tensor(new Float32Array(0), 1, 1, 0, 16), past_value: tensor(new Float32Array(0), 1, 1, 0, 16), before: tensor(Int32Array.of(2), 1),
}
const turning = { cos: tensor(table(Math.cos), 16, 8), sin: tensor(table(Math.sin), 16, 8), positions: tensor(BigInt64Array.of(3n, 4n, 5n), 1, 3) }

/** The attention of three rows, two heads on one head of keys, in f64. */
function attention(cap) {
  return Array.from({ length: 96 }, (_, at) => {
    const [row, head, column] = [Math.floor(at / 32), Math.floor(at / 16) % 2, at % 16]
    let [above, below] = [0, 0]
    for (let j = 0; j <= row; j++) {
      let score = 0
      for (let i = 0; i < 16; i++) score += (query[row * 32 + head * 16 + i] * key[j * 16 + i]) / 4
      const weight = Math.exp(cap === undefined ? score : cap * Math.tanh(score / cap))
      above += weight * value[j * 16 + column]
      below += weight
    }
    return above / below
  })
}
/** The keys, turned as for positions that begin at `first`. */
const turned = (first) =>
  Array.from(key, (_, at) => {
    const [row, i] = [Math.floor(at / 16), at % 8]
    const [x, y] = [key[row * 16 + i], key[row * 16 + i + 8]]
    const a = angle(first + row, i)
    return at % 16 < 8 ? x * Math.cos(a) - y * Math.sin(a) : x * Math.sin(a) + y * Math.cos(a)
  })
async function run(name, provider, more) {
  const session = await ort.InferenceSession.create(`${name}.onnx`, { executionProviders: [provider], logSeverityLevel: 3 })
  return session.run({ ...feeds, ...more })
}
const near = (seen, expected) => seen.length === expected.length && seen.every((x, i) => Math.abs(x - expected[i]) < 1e-3)
const CHOICES = [
  ['cap', {}, 'out', { 'a cap of 2': attention(2), 'no cap': attention() }],
  ['turn', turning, 'keys', { 'positions from 3': turned(3), 'positions from 0': turned(0) }],
]
const found = []
for (const [name, more, output, readings] of CHOICES) {
  for (const provider of ['cpu', 'webgpu']) {
    const seen = [...(await run(name, provider, more))[output].data]
    const as = Object.keys(readings).filter((reading) => near(seen, readings[reading])).join()
    console.log(`${name} on ${provider}: computed with ${as || 'something else'}`)
    found.push(as)
  }
}
const EXPECTED = ['a cap of 2', 'no cap', 'positions from 3', 'positions from 0']
process.exit(found.join('|') === EXPECTED.join('|') ? 0 : 1)
JS
VK_ICD_FILENAMES="$PWD/$driver" VK_DRIVER_FILES="$PWD/$driver" node try.mjs 2> log || { cat log >&2; exit 1; }
