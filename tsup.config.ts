import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'
import { besideIt, builtins, builtWorkers, lateTables, licences, noWorker } from './tools/bundled-packages.ts'

const exported = {
  index: 'src/index.ts',
  'ai-sdk': 'src/ai-sdk/index.ts',
  pocket: 'src/formats/pocket.ts',
  'prompt-api': 'src/prompt-api/index.ts',
  server: 'src/server/index.ts',
  worker: 'src/worker/index.ts',
  'worker-host': 'src/worker/host.ts',
}
const common = { format: 'esm', target: 'es2022', platform: 'neutral', removeNodeProtocol: false } as const

export default defineConfig([
  {
    ...common,
    entry: {
      ...exported,
      'cli/main': 'src/cli/main.ts',
      // Beside the worker's own file, where bundlers that keep all in one folder find it too.
      'worker-browser': 'src/platform/worker-browser.ts',
      'worker-node': 'src/platform/worker-node.ts',
      'platform/browser': 'src/platform/browser.ts',
      'platform/node': 'src/platform/node.ts',
      'platform/deno': 'src/platform/deno.ts',
    },
    // What exported types do not mention is nobody's business, and would need the types of WebGPU.
    dts: { entry: exported, compilerOptions: { stripInternal: true } },
    // These stay imports in the output: package.json's import map says what they are where the package is used.
    external: ['#platform', '#pocket', '#worker', 'webgpu'],
    // Packages for the server and the command line become part of them, so that nobody else has to install them.
    esbuildPlugins: [builtins(), builtWorkers(), lateTables(), licences('dist/THIRD-PARTY-LICENSES.txt')],
    // The chunks that the entries share (errors, most of all) keep `instanceof` true across them.
    splitting: true,
    sourcemap: true,
  },
  {
    ...common,
    entry: { 'pocket-embedded': 'src/formats/pocket-embedded.ts' },
    define: { POCKET_FILES: JSON.stringify(pocketFiles()) },
    splitting: false,
  },
  {
    ...common,
    entry: { 'pocket-node': 'src/formats/pocket-node.ts' },
    esbuildPlugins: [builtins(), besideIt('pocket-embedded')],
    splitting: false,
  },
  {
    ...common,
    entry: { 'download-worker': 'src/formats/hub/worker.ts' },
    // In one piece: not every bundler follows the imports of a worker's file.
    splitting: false,
    noExternal: [/.*/],
    esbuildPlugins: [noWorker()],
    esbuildOptions(options) {
      options.conditions = ['mistral-webgpu-source', 'browser']
    },
  },
])

/** The files of the embedded model in base64, by name. */
function pocketFiles(): Record<string, string> {
  const names = readdirSync('models/pocket').filter((name) => /\.(json|safetensors)$/.test(name))
  return Object.fromEntries(names.map((name) => [name, readFileSync(`models/pocket/${name}`, 'base64')]))
}
