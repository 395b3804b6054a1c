import { buildPage } from '../build-page.ts'
import { type StaticServer, serveFolders } from '../static-server.ts'

/** @param folder where the built page goes; it is served as `/page` */
export async function serveTabs(folder: string): Promise<StaticServer> {
  await buildPage('test/runtime/tabs-harness', folder)
  return serveFolders({ page: folder })
}
