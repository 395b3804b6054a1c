import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'

/** Runs the page on the library's sources. An app of your own needs none of this: `npm install mistral-webgpu`. */
export default defineConfig({
  base: './',
  resolve: {
    alias: { 'mistral-webgpu': fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    // Makes `#platform` mean the source file for browsers.
    conditions: ['source', ...defaultClientConditions],
  },
  build: { target: 'es2022' },
})
