/** Builds the page of this folder, and serves it. */
import { join } from 'node:path'
import { build } from 'vite'
import { root } from '../../support/child.ts'
import { type StaticServer, serveFolders } from '../static-server.ts'

/** @param folder where the built page goes; it is served as `/page` */
export async function serveTabs(folder: string): Promise<StaticServer> {
  const configFile = join(root, 'examples/browser/vite.config.ts')
  const output = { outDir: folder, emptyOutDir: true }
  await build({ configFile, root: join(root, 'test/runtime/tabs-harness'), logLevel: 'error', build: output })
  return serveFolders({ page: folder })
}
