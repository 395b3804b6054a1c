import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'

/** Runs the page on the library's sources. An app of your own needs none of this: `npm install mistral-webgpu`. */
export default defineConfig({
  base: './',
  // Answers 404 for what does not exist: a folder of a model is searched by name, and a page in place of a file misleads.
  appType: 'mpa',
  // The models of this repository, for trying the page: `?model=/pocket&prompt=Hello`.
  publicDir: fileURLToPath(new URL('../../models', import.meta.url)),
  resolve: {
    alias: { 'mistral-webgpu': fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    // Makes `#platform` mean the source file for browsers.
    conditions: ['mistral-webgpu-source', ...defaultClientConditions],
  },
  // The worker that downloads is a module; the built package has it in one piece.
  worker: { format: 'es' },
  build: { target: 'es2022', copyPublicDir: false },
})
