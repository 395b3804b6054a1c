/**
 * Finds a WebGPU adapter for Dawn in Node and says which environment variables select it. The Vulkan loader reads them
 * when the process starts, so they must be set by a parent: see `with-adapter.mjs`.
 *
 * Order: what the user's own environment selects, a real GPU, lavapipe (Mesa >= 24), SwiftShader from npm.
 */
import { execFile } from 'node:child_process'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createBrotliDecompress } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const cacheFolder = join(root, 'node_modules', '.cache', 'mistral-webgpu')

export const ADAPTER_KINDS = ['hardware', 'lavapipe', 'swiftshader']

/**
 * @typedef {{ kind: string, env: Record<string, string> }} Choice
 * @param {NodeJS.ProcessEnv} env the environment to start from
 * @param {{ probe?: typeof probeAdapter, verdictFile?: string }} [options] for the tests of this file
 * @returns {Promise<Choice | undefined>} undefined when no adapter was found
 */
export async function findAdapter(env = process.env, options = {}) {
  const { probe = probeAdapter, verdictFile = join(cacheFolder, 'adapter.json') } = options
  const wanted = env.MISTRAL_WEBGPU_ADAPTER
  if (wanted) return forced(wanted, env, probe)
  if (env.VK_ICD_FILENAMES || env.VK_DRIVER_FILES) return { kind: 'environment', env: {} }
  const known = await readVerdict(env, verdictFile)
  if (known) return known
  for (const kind of ADAPTER_KINDS) {
    for (const choice of await candidates(kind, env)) {
      if (!(await works(choice, env, probe))) continue
      await writeVerdict(choice, env, verdictFile)
      return choice
    }
  }
  return undefined
}

/** @returns {Promise<Choice>} */
async function forced(wanted, env, probe) {
  if (!ADAPTER_KINDS.includes(wanted)) {
    throw new Error(`MISTRAL_WEBGPU_ADAPTER is "${wanted}"; it can be ${ADAPTER_KINDS.join(', ')}`)
  }
  for (const choice of await candidates(wanted, env)) if (await works(choice, env, probe)) return choice
  throw new Error(`MISTRAL_WEBGPU_ADAPTER asks for ${wanted}, but there is no such adapter that Dawn accepts here`)
}

/** The ways in which this machine may have an adapter of that kind, without trying them. */
async function candidates(kind, env) {
  if (kind === 'swiftshader') {
    const loader = await unpackedSwiftshader(env)
    return loader
      ? [{ kind, env: { VK_ICD_FILENAMES: join(loader.folder, 'vk_swiftshader_icd.json'), ...loader.env } }]
      : []
  }
  // macOS and Windows bring their own API (Metal, D3D12): nothing to select.
  if (process.platform !== 'linux') return kind === 'hardware' ? [{ kind, env: {} }] : []
  const selections = kind === 'lavapipe' ? lavapipeDrivers(env) : hardwareDrivers(env)
  if (selections.length === 0) return []
  // Containers often have a driver but no Vulkan loader; the one that comes with SwiftShader serves any driver.
  const loader = await unpackedSwiftshader(env)
  return selections.flatMap((select) => [
    { kind, env: select },
    ...(loader ? [{ kind, env: { ...select, ...loader.env } }] : []),
  ])
}

function lavapipeDrivers(env) {
  const runtimeFolder = env.XDG_RUNTIME_DIR ? {} : { XDG_RUNTIME_DIR: tmpdir() }
  const files = icdFiles(env).filter((file) => /lvp_icd/.test(file))
  return files.map((file) => ({ VK_ICD_FILENAMES: file, ...runtimeFolder }))
}

function hardwareDrivers(env) {
  if (gpuDevices().length === 0) return []
  const files = icdFiles(env).filter((file) => !/lvp_icd|swiftshader|virtio|gfxstream/.test(file))
  return files.length > 0 ? [{ VK_ICD_FILENAMES: files.join(delimiter) }] : []
}

function gpuDevices() {
  return ['/dev/dri', '/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg'].filter((path) => existsSync(path))
}

/** Vulkan's driver manifests, from the folders in which its loader looks. */
function icdFiles(env) {
  const folders = [
    ...(env.XDG_CONFIG_DIRS ?? '/etc/xdg').split(delimiter),
    '/etc',
    ...(env.XDG_DATA_DIRS || '/usr/local/share:/usr/share').split(delimiter),
    '/usr/share',
  ]
  const found = folders.flatMap((folder) => {
    const drivers = join(folder, 'vulkan', 'icd.d')
    return existsSync(drivers) ? readdirSync(drivers).map((name) => join(drivers, name)) : []
  })
  return [...new Set(found)].filter((file) => file.endsWith('.json')).sort()
}

async function works(choice, env, probe) {
  const adapter = await probe({ ...env, ...choice.env })
  if (!adapter) return false
  return choice.kind !== 'hardware' || !adapter.software
}

/** What Dawn finds in that environment; undefined when it finds nothing, crashes, or is not installed. */
export async function probeAdapter(env = process.env) {
  try {
    const probe = fileURLToPath(new URL('probe-adapter.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [probe], {
      env,
      timeout: 60_000,
      killSignal: 'SIGKILL',
    })
    return JSON.parse(stdout.trim().split('\n').at(-1)) ?? undefined
  } catch {
    return undefined
  }
}

/** SwiftShader and a Vulkan loader, unpacked once from a package that is made for machines without either. */
async function unpackedSwiftshader(env) {
  const archive = join(root, 'node_modules', '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br')
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(archive)) return undefined
  const folder = join(cacheFolder, `swiftshader-${statSync(archive).size}`)
  if (!existsSync(folder)) await unpack(archive, folder)
  const needed = ['vk_swiftshader_icd.json', 'libvk_swiftshader.so', 'libvulkan.so.1']
  const missing = needed.filter((name) => !existsSync(join(folder, name)))
  if (missing.length > 0) throw new Error(`${archive} no longer holds ${missing.join(', ')}`)
  const libraries = env.LD_LIBRARY_PATH ? [folder, env.LD_LIBRARY_PATH] : [folder]
  return { folder, env: { LD_LIBRARY_PATH: libraries.join(delimiter) } }
}

/** Into a folder of its own, then renamed: two processes that start together never see half of it. */
async function unpack(archive, folder) {
  const { extract } = await import('tar-fs')
  await mkdir(dirname(folder), { recursive: true })
  const partial = await mkdtemp(`${folder}.partial-`)
  // Chromium's GLES libraries lie in the same archive; on LD_LIBRARY_PATH they would get into other programs' way.
  const ignore = (name) => /lib(EGL|GLES)/.test(name)
  await pipeline(createReadStream(archive), createBrotliDecompress(), extract(partial, { ignore }))
  try {
    await rename(partial, folder)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

/** What a verdict depends on; any change makes the machine be probed anew. */
function verdictKey(env) {
  const dawn = join(root, 'node_modules', 'webgpu', 'package.json')
  const dawnVersion = existsSync(dawn) ? JSON.parse(readFileSync(dawn, 'utf8')).version : 'none'
  const drivers = icdFiles(env).map((file) => `${file}@${statSync(file).mtimeMs}`)
  const versions = [process.platform, process.version, dawnVersion]
  return JSON.stringify([...versions, env.LD_LIBRARY_PATH, env.XDG_RUNTIME_DIR, ...drivers, ...gpuDevices()])
}

async function readVerdict(env, verdictFile) {
  try {
    const { key, choice } = JSON.parse(await readFile(verdictFile, 'utf8'))
    return key === verdictKey(env) ? choice : undefined
  } catch {
    return undefined
  }
}

async function writeVerdict(choice, env, verdictFile) {
  try {
    await mkdir(dirname(verdictFile), { recursive: true })
    await writeFile(`${verdictFile}.${process.pid}`, JSON.stringify({ key: verdictKey(env), choice }))
    await rename(`${verdictFile}.${process.pid}`, verdictFile)
  } catch {
    // A read-only checkout only means that the next start asks again.
  }
}
