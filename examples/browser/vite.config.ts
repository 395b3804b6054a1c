import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'
import { digest, fileDigest, writeServiceWorker } from './service-worker.ts'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const POCKET = local('../../models/pocket')
const POCKET_FILES = readdirSync(POCKET).filter((name) => /\.(json|safetensors)$/.test(name))
/** A page never gets the files of another build's model: they have another address. */
const POCKET_FOLDER = `pocket-${digest(POCKET_FILES.map((name) => [name, fileDigest(join(POCKET, name))]))}`

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
  plugins: [embeddedModel(), serviceWorker()],
  define: { 'import.meta.env.POCKET': JSON.stringify(`./${POCKET_FOLDER}`) },
  build: { target: 'es2023' },
})

/** Serves the embedded model beside the page. */
function embeddedModel(): Plugin {
  let output = ''
  return {
    name: 'embedded-model',
    configResolved({ root, build }) {
      output = resolve(root, build.outDir)
    },
    configureServer({ middlewares }) {
      middlewares.use(`/${POCKET_FOLDER}`, (request, response, next) => {
        const name = request.url?.split('?')[0]?.slice(1) ?? ''
        if (!POCKET_FILES.includes(name)) return next()
        void import('node:fs').then(({ createReadStream }) => createReadStream(join(POCKET, name)).pipe(response))
      })
    },
    writeBundle() {
      mkdirSync(join(output, POCKET_FOLDER), { recursive: true })
      for (const name of POCKET_FILES) copyFileSync(join(POCKET, name), join(output, POCKET_FOLDER, name))
    },
  }
}

/** Writes the service worker, with the digests of all files that it keeps: another build is another service worker. */
function serviceWorker(): Plugin {
  let output = ''
  return {
    name: 'service-worker',
    configResolved({ root, build }) {
      output = resolve(root, build.outDir)
    },
    closeBundle: () => writeServiceWorker(output),
  }
}
