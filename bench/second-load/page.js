// What the page of bench/second-load.ts does. DIST is the built package.
import { MistralModel } from 'DIST'

const PIECE = 4 << 20

/** Milliseconds from the call to each stage of a load, and to the first token. */
async function load(url) {
  const start = performance.now()
  const stages = {}
  const onProgress = ({ phase }) => {
    stages[phase] ??= performance.now() - start
  }
  const model = await MistralModel.load(url, { cache: true, contextLength: 256, onProgress })
  await firstOf(model, [1, 300, 301])
  stages.token = performance.now() - start
  const before = performance.now()
  await firstOf(model, [2, 302, 303])
  const again = performance.now() - before
  const bytes = model.status().memory.weights
  model.dispose()
  return { stages, again, bytes }
}

async function firstOf(model, prompt) {
  for await (const _ of model.generate(prompt, { do_sample: false, max_tokens: 1 })) break
}

async function* largeFiles(folder) {
  for await (const entry of folder.values()) {
    if (entry.kind === 'directory') yield* largeFiles(entry)
    else if ((await entry.getFile()).size > 1 << 20) yield entry
  }
}

/** By handles in a worker, which is the fastest way there is. */
const WORKER = `onmessage = async ({ data }) => {
  const start = performance.now()
  const room = new Uint8Array(${PIECE})
  let bytes = 0
  for (const handle of data) {
    const file = await handle.createSyncAccessHandle()
    for (let at = 0, got = 1; got > 0; at += got) bytes += got = file.read(room, { at })
    file.close()
  }
  postMessage({ ms: performance.now() - start, bytes })
}`

/** How long the kept bytes take to be read, by handles in a worker and by slices in the page, and to be brought to the adapter. */
async function read() {
  const handles = []
  for await (const handle of largeFiles(await navigator.storage.getDirectory())) handles.push(handle)
  const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })))
  const inWorker = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = reject
    worker.postMessage(handles)
  })
  worker.terminate()
  const blob = new Blob(await Promise.all(handles.map((handle) => handle.getFile())))
  const start = performance.now()
  for (let at = 0; at < blob.size; at += PIECE) await blob.slice(at, at + PIECE).arrayBuffer()
  return { ...inWorker, slices: performance.now() - start, upload: await upload(blob.size) }
}

async function upload(bytes) {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice()
  const [size, piece] = [32 << 20, new Uint8Array(PIECE).fill(7)]
  const start = performance.now()
  for (let done = 0; done < bytes; done += size) {
    const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST })
    for (let at = 0; at < size; at += PIECE) device.queue.writeBuffer(buffer, at, piece)
    await device.queue.onSubmittedWorkDone()
  }
  const ms = performance.now() - start
  device.destroy()
  return ms
}

window.bench = { load, read }
