#!/usr/bin/env bash
# version: onnxruntime-node 1.30.0, on SwiftShader as @sparticuz/chromium 147.0.0 has it (lavapipe of Mesa 25 gives the same); models made with onnx 1.23.1
# behaviour: a row whose mean is large beside its spread is not normalized, without an error or a warning. Of 64 values within 1.4 of 10000, for which no
#   result is above 2, `LayerNormalization` and `GroupNormalization` on WebGPU give numbers in the hundreds, `InstanceNormalization` on WebGPU and
#   `GroupNormalization` on the CPU give NaN; around 1000 all four are off by percents. They do as a variance does in f32 that is the mean of the
#   squares less the square of the mean. `LayerNormalization` and `InstanceNormalization` on the CPU are right, so that neither the
#   provider nor the kind of operator tells; `RMSNormalization`, which takes no mean off, is right everywhere.
# The same values, moved by 0, 1000 and 10000, are normalized by each on both providers, beside a plain computation in f64.
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

# Of each: the operator, the length of scale and shift, its attributes.
MODELS = {
    "LayerNormalization": (64, {}), "InstanceNormalization": (2, {}), "GroupNormalization": (2, {"num_groups": 2}), "RMSNormalization": (64, {}),
}
for name, (length, attributes) in MODELS.items():
    inputs = {"x": [1, 2, 64], "scale": [length]} | ({} if name == "RMSNormalization" else {"shift": [length]})
    given = [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each, shape in inputs.items()]
    result = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 2, 64])
    graph = helper.make_graph([helper.make_node(name, list(inputs), ["out"], **attributes)], name, given, [result])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10), f"{name}.onnx")
PY
venv/bin/python models.py
cat > try.mjs <<'JS'
import ort from 'onnxruntime-node'

const floats = (data, ...shape) => new ort.Tensor('float32', data, shape)
const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length
/** Each row of 64 less its mean, over the root of its variance; with `center` false, over the root of its mean square. */
function normalized(x, center) {
  return [0, 1].flatMap((row) => {
    const values = [...x.subarray(row * 64, row * 64 + 64)]
    const middle = center ? mean(values) : 0
    const root = Math.sqrt(mean(values.map((v) => (v - middle) ** 2)) + 1e-5)
    return values.map((v) => (v - middle) / root)
  })
}
const OPERATORS = { LayerNormalization: 64, InstanceNormalization: 2, GroupNormalization: 2, RMSNormalization: 64 }
const STEADY = ['LayerNormalization on cpu', 'InstanceNormalization on cpu', 'RMSNormalization on cpu', 'RMSNormalization on webgpu']
let same = true
for (const [name, length] of Object.entries(OPERATORS)) {
  for (const provider of ['cpu', 'webgpu']) {
    const session = await ort.InferenceSession.create(`${name}.onnx`, { executionProviders: [provider], logSeverityLevel: 3 })
    const off = []
    for (const moved of [0, 1000, 10000]) {
      const x = Float32Array.from({ length: 128 }, (_, i) => moved + 1.4 * Math.sin(1 + i * 0.7))
      const feeds = { x: floats(x, 1, 2, 64), scale: floats(new Float32Array(length).fill(1), length), shift: floats(new Float32Array(length), length) }
      if (name === 'RMSNormalization') delete feeds.shift
      const { out } = await session.run(feeds)
      const expected = normalized(x, name !== 'RMSNormalization')
      const errors = Array.from(out.data, (v, i) => Math.abs(v - expected[i]))
      off.push(errors.some(Number.isNaN) ? NaN : Math.max(...errors))
    }
    console.log(`${name} on ${provider}: off by ${off.map((most) => most.toPrecision(3)).join(', ')}`)
    const [atZero, atThousand, atTenThousand] = off
    const steady = STEADY.includes(`${name} on ${provider}`)
    same &&= atZero < 1e-4 && (steady ? atTenThousand < 0.01 : atThousand > 0.01 && !(atTenThousand < 0.2))
  }
}
process.exit(same ? 0 : 1)
JS
VK_ICD_FILENAMES="$PWD/$driver" VK_DRIVER_FILES="$PWD/$driver" node try.mjs 2> log || { cat log >&2; exit 1; }
