#!/usr/bin/env bash
# version: webgpu 0.6.2 (Dawn's binding for Node)
# behaviour: a device whose `onuncapturederror` reaches the device itself, as in `device.onuncapturederror = () => report(device.label)`,
#   is never collected, though it was destroyed and nothing else refers to it: twenty such devices are all alive after garbage
#   collections, and so is everything that they reach. Twenty devices with a callback that does not mention them are all gone, and
#   so are those whose `onuncapturederror` was set to null before they were destroyed. The binding holds the callback by a
#   reference that V8's collector does not follow, so that device and callback keep one another.
# Devices of the null backend, which needs no driver, are made, destroyed and forgotten in each of these ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { create } from 'webgpu'

const gpu = create(['backend=null'])
const WAYS = {
  'a callback that mentions the device': (device) => { device.onuncapturederror = () => console.log(device.label) },
  'a callback that does not': (device) => { device.onuncapturederror = quiet },
  'one that was taken away again': (device) => {
    device.onuncapturederror = () => console.log(device.label)
    device.onuncapturederror = null
  },
}
function quiet() {}
const EXPECTED = [20, 0, 0]

async function live(prepare) {
  const device = await (await gpu.requestAdapter()).requestDevice()
  prepare(device)
  device.destroy()
  return new WeakRef(device)
}

const counts = []
for (const [way, prepare] of Object.entries(WAYS)) {
  const refs = []
  for (let i = 0; i < 20; i++) refs.push(await live(prepare))
  for (let i = 0; i < 10; i++) {
    await gc({ type: 'major', execution: 'async' })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  counts.push(refs.filter((ref) => ref.deref() !== undefined).length)
  console.log(`${way}: ${counts.at(-1)} of 20 devices are alive`)
}
process.exit(counts.every((count, i) => count === EXPECTED[i]) ? 0 : 1)
JS
node --expose-gc try.mjs
