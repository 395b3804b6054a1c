/**
 * Notes when a program comes to each stage on its way to the first word. In Node it is imported before the program
 * (`--import`), and writes what it noted to the file descriptor 3 at the end; a page runs its text first, and is asked.
 */

/** @type {{ stage: string, at: number, label?: string, ms?: number, cpu?: number }[]} */
const noted = []
const inNode = globalThis.process?.versions?.node !== undefined

function note(stage, more) {
  noted.push({ stage, at: performance.now(), ...more })
}

function cpuMs() {
  if (!inNode) return 0
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Notes what these classes of WebGPU are asked. `serial` compiles in the call, so that each pipeline's own time is known. */
function watch({ GPU, GPUAdapter, GPUDevice, GPUQueue, GPUBuffer }, serial) {
  const after = (prototype, name, stage, label = () => undefined) => {
    const original = prototype[name]
    prototype[name] = function (...given) {
      const began = performance.now()
      const result = original.apply(this, given)
      result.then(
        () => note(stage, { ms: performance.now() - began, label: label(...given) }),
        () => {},
      )
      return result
    }
  }
  after(GPU.prototype, 'requestAdapter', 'adapter')
  after(GPUAdapter.prototype, 'requestDevice', 'device')
  after(GPUBuffer.prototype, 'mapAsync', 'result')
  const { createComputePipeline } = GPUDevice.prototype
  if (serial) {
    GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
      const [began, before] = [performance.now(), cpuMs()]
      const pipeline = createComputePipeline.call(this, descriptor)
      note('pipeline', { ms: performance.now() - began, cpu: cpuMs() - before, label: descriptor.label })
      return pipeline
    }
  } else after(GPUDevice.prototype, 'createComputePipelineAsync', 'pipeline', (descriptor) => descriptor.label)
  const { submit, writeBuffer } = GPUQueue.prototype
  GPUQueue.prototype.submit = function (...given) {
    submit.apply(this, given)
    note('submit')
  }
  GPUQueue.prototype.writeBuffer = function (...given) {
    writeBuffer.apply(this, given)
    // Smaller ones are tables and settings.
    if ((given[4] ?? given[2].byteLength) >= 4096) note('weights')
  }
}

if (inNode) {
  const { writeSync } = process.getBuiltinModule('node:fs')
  note('begun')
  const { dlopen } = process
  process.dlopen = function (module, ...given) {
    const result = dlopen.call(this, module, ...given)
    if (module.exports?.globals?.GPUDevice) watch(module.exports.globals, process.env.FIRST_WORD_SERIAL === '1')
    return result
  }
  const { write } = process.stdout
  process.stdout.write = function (...given) {
    note('word')
    return write.apply(this, given)
  }
  process.on('exit', () => writeSync(3, JSON.stringify({ noted, cpu: cpuMs() })))
} else {
  watch(globalThis, false)
  globalThis.firstWord = { noted, note }
}
