/** Builds a page for tests as the examples are built: on the library's sources. */
import { join } from 'node:path'
import { build, type InlineConfig } from 'vite'
import { root } from '../support/child.ts'

/**
 * @param page its folder, from the project's root
 * @param example whose configuration of Vite it takes
 */
export async function buildPage(
  page: string,
  outDir: string,
  example: 'browser' | 'service-worker' | 'openai-client/browser' = 'browser',
  { publicDir, build: more }: Pick<InlineConfig, 'publicDir' | 'build'> = {},
): Promise<void> {
  await build({
    configFile: join(root, 'examples', example, 'vite.config.ts'),
    root: join(root, page),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true, ...more },
    ...(publicDir !== undefined && { publicDir }),
  })
}

/** The example with a service worker, and beside it, at `plain/`, a page that knows nothing of one. */
export async function buildServiceWorker(outDir: string): Promise<void> {
  await buildPage('examples/service-worker', outDir, 'service-worker')
  const page = 'test/runtime/plain-page'
  const rolldownOptions = { input: { index: join(root, page, 'index.html') } }
  const more = { publicDir: false as const, build: { rolldownOptions } }
  await buildPage(page, join(outDir, 'plain'), 'service-worker', more)
}
