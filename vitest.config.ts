import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // `source` makes `#platform` mean src/platform/node.ts, so that tests need no build.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // One process per file: a native crash in one file is then that file's failure and not the run's.
    pool: 'forks',
    // Software adapters use every core for one dispatch already.
    maxWorkers: 2,
    // eventsource-parser, which the AI SDK imports, has a `source` of its own, in TypeScript: vite must read it, not Node.
    server: { deps: { inline: [/@ai-sdk/, /node_modules\/ai\//, /eventsource-parser/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
})
