#!/usr/bin/env bash
# version: Firefox 153.8.0 ESR (Debian's firefox-esr 153.8.0esr-1~deb12u1) on lavapipe of Mesa 22.3.6, driven by puppeteer-core 24.43.1
# behaviour: two buffers are copied to by two submits, and mapped for reading one after the other. While both maps are pending the page
#   submits empty command buffers, which is what makes Firefox look at its GPU sooner than every 100 ms. In about 1 of 20 rounds the
#   promise of the buffer that was submitted and asked for second settles first. WebGPU promises an order for one buffer, and for
#   onSubmittedWorkDone, but none for the maps of two buffers; Chromium and Dawn's binding for Node keep that of the submits. A program
#   that takes results as they come mixes them up in Firefox alone.
# It needs Debian 12: its packages are unpacked in a temp folder, with those that they need and the machine lacks.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p debs/partial root home
chmod 755 "$folder"
firefox=firefox-esr=153.8.0esr-1~deb12u1
(cd debs && apt-get download -q $firefox mesa-vulkan-drivers=22.3.6-1+deb12u2) > log 2>&1 || { cat log >&2; exit 2; }
apt-get install -q -y --download-only --no-install-recommends -o Debug::NoLocking=1 -o "Dir::Cache::archives=$folder/debs/" \
  $firefox libllvm15 libvulkan1 >> log 2>&1 || { cat log >&2; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
driver=root/usr/share/vulkan/icd.d/lvp_icd.x86_64.json
sed -i "s#\"library_path\": \"[^\"]*\"#\"library_path\": \"$libraries/libvulkan_lvp.so\"#" $driver
npm init -y > /dev/null
npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 2>> log || { cat log >&2; exit 2; }
cat > try.mjs <<'JS'
import { createServer } from 'node:http'
import { launch } from 'puppeteer-core'

const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'))
await new Promise((resolve) => server.listen(0, resolve))
const browser = await launch({
  browser: 'firefox',
  headless: true,
  executablePath: process.env.FIREFOX,
  protocolTimeout: 240_000,
  extraPrefsFirefox: { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true },
})
const page = await browser.newPage()
await page.goto(`http://localhost:${server.address().port}/`)
const found = await page.evaluate(async () => {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice()
  const large = device.createBuffer({ size: 2 ** 26, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
  const buffers = [0, 1].map(() => device.createBuffer({ size: 4096, usage }))
  const submit = (encode) => {
    const encoder = device.createCommandEncoder()
    encode(encoder)
    device.queue.submit([encoder.finish()])
  }
  const counts = { rounds: 0, 'asked for 0, 1; told 1, 0': 0 }
  const begin = performance.now()
  while (performance.now() - begin < 120_000 && counts['asked for 0, 1; told 1, 0'] < 3) {
    const told = []
    const work = 1 + (counts.rounds % 7)
    const maps = buffers.map((buffer, i) => {
      submit((encoder) => {
        for (let k = 0; k < work; k++) encoder.clearBuffer(large)
        encoder.copyBufferToBuffer(large, 0, buffer, 0, 4096)
      })
      return buffer.mapAsync(GPUMapMode.READ).then(() => told.push(i))
    })
    let pending = true
    const all = Promise.all(maps).then(() => {
      pending = false
    })
    while (pending) {
      submit(() => {})
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await all
    for (const buffer of buffers) buffer.unmap()
    counts.rounds++
    if (told[0] === 1) counts['asked for 0, 1; told 1, 0']++
  }
  return counts
})
console.log(await browser.version(), JSON.stringify(found))
await browser.close()
server.close()
if (found['asked for 0, 1; told 1, 0'] === 0) throw new Error('the order was kept: this changed')
JS
HOME=$folder/home FIREFOX=$folder/root/usr/lib/firefox-esr/firefox-esr VK_ICD_FILENAMES=$folder/$driver \
  LD_LIBRARY_PATH=$libraries node try.mjs
