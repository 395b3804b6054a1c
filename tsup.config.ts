import { defineConfig } from 'tsup'

/**
 * `#platform` stays an import in the output: package.json's import map picks the runtime's file where the package is
 * used. The chunks that the entries share (errors, most of all) keep `instanceof` true across them.
 */
const exported = { index: 'src/index.ts', server: 'src/server/index.ts' }

export default defineConfig({
  entry: {
    ...exported,
    'cli/main': 'src/cli/main.ts',
    'platform/browser': 'src/platform/browser.ts',
    'platform/node': 'src/platform/node.ts',
    'platform/deno': 'src/platform/deno.ts',
  },
  dts: { entry: exported },
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  external: ['#platform', /^node:/, 'webgpu'],
  splitting: true,
  sourcemap: true,
  clean: true,
})
