import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Runs the page on the library's sources. An app of your own needs none of this: `npm install mistral-webgpu openai`. */
export default defineConfig({
  base: './',
  appType: 'mpa',
  // The embedded model at `/pocket`.
  publicDir: at('../../models'),
  resolve: {
    alias: [
      { find: 'mistral-webgpu/server', replacement: at('../../src/server/index.ts') },
      { find: 'mistral-webgpu/worker', replacement: at('../../src/worker/index.ts') },
    ],
    // Makes `#platform` mean the source file for browsers.
    conditions: ['mistral-webgpu-source', ...defaultClientConditions],
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { index: at('index.html'), sw: at('sw.ts') },
      // A service worker has a name that stays, and it lies above all that it is for.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
})
