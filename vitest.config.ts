import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defaultExclude, defineConfig, type ViteUserConfig } from 'vitest/config'
import { patience, SOON } from './test/support/patience.ts'
import { Sequence, SHARED, TOGETHER } from './test/support/sequence.ts'

/** What holds for all tests, whichever files are taken. */
export const common = {
  // The repository's own condition makes `#platform` mean src/platform/node.ts, so that tests need no build.
  resolve: { conditions: ['mistral-webgpu-source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['mistral-webgpu-source', ...defaultServerConditions] } },
  test: {
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
} satisfies ViteUserConfig

const projects = [
  { name: 'own process', include: ['test/**/*.test.ts'], exclude: [...defaultExclude, ...TOGETHER] },
  { name: SHARED, include: TOGETHER, isolate: false },
]

export default defineConfig({
  ...common,
  test: {
    ...common.test,
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: Sequence },
    projects: projects.map((project) => ({ ...common, test: { ...common.test, ...project } })),
  },
})
