import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { patience, SOON } from './test/support/patience.ts'

export default defineConfig({
  // The repository's own condition makes `#platform` mean src/platform/node.ts, so that tests need no build.
  resolve: { conditions: ['mistral-webgpu-source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['mistral-webgpu-source', ...defaultServerConditions] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // No test asks the real Hub, or reads the models of whoever runs it.
    env: {
      HF_HUB_OFFLINE: '1',
      HF_HUB_CACHE: join(tmpdir(), 'mistral-webgpu-no-cache'),
      MISTRAL_WEBGPU_CACHE: join(tmpdir(), 'mistral-webgpu-no-cache'),
      LLAMA_CACHE: join(tmpdir(), 'mistral-webgpu-no-cache'),
    },
    // One process per file: a native crash in one file is then that file's failure and not the run's.
    pool: 'forks',
    // Software adapters use every core for one dispatch already.
    maxWorkers: 2,
    testTimeout: patience(60_000),
    hookTimeout: patience(60_000),
    teardownTimeout: patience(10_000),
    expect: { poll: SOON },
  },
})
