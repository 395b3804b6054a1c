import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const POCKET = local('../../models/pocket')

/** Runs the page on the library's sources. An app of your own needs none of this: `npm install mistral-webgpu`. */
export default defineConfig({
  base: './',
  // Answers 404 for what does not exist: a folder of a model is searched by name, and a page in place of a file misleads.
  appType: 'mpa',
  resolve: {
    alias: {
      'mistral-webgpu/worker': local('../../src/worker/index.ts'),
      'mistral-webgpu': local('../../src/index.ts'),
    },
    // Makes `#platform` mean the source file for browsers.
    conditions: ['mistral-webgpu-source', ...defaultClientConditions],
  },
  // The workers, with the engine and for downloads, are modules; the built package has them in one piece.
  worker: { format: 'es' },
  plugins: [embeddedModel()],
  build: { target: 'es2023' },
})

/** Serves the embedded model beside the page, and writes the list of files that the service worker keeps. */
function embeddedModel(): Plugin {
  const files = readdirSync(POCKET).filter((name) => /\.(json|safetensors)$/.test(name))
  let output = ''
  return {
    name: 'embedded-model',
    configResolved({ root, build }) {
      output = join(root, build.outDir)
      if (build.outDir.startsWith('/')) output = build.outDir
    },
    configureServer({ middlewares }) {
      middlewares.use('/pocket', (request, response, next) => {
        const name = request.url?.split('?')[0]?.slice(1) ?? ''
        if (!files.includes(name)) return next()
        void import('node:fs').then(({ createReadStream }) => createReadStream(join(POCKET, name)).pipe(response))
      })
    },
    closeBundle() {
      mkdirSync(join(output, 'pocket'), { recursive: true })
      for (const name of files) copyFileSync(join(POCKET, name), join(output, 'pocket', name))
      const all = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      const paths = all.map(({ parentPath, name }) => `./${relative(output, join(parentPath, name))}`)
      const kept = paths.filter((path) => !/(sw\.js|files\.json|\.map)$/.test(path))
      writeFileSync(join(output, 'files.json'), JSON.stringify(kept))
    },
  }
}
