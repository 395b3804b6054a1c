/** What `#pocket` means in the sources: the folder of the embedded model. In the package it is `pocket-embedded.ts`. */
import { platform } from '#platform'
import { filePath } from './file-names.ts'
import type { FileOpener } from './file-opener.ts'

const folder = filePath(new URL('../../models/pocket/config.json', import.meta.url)).replace(/config\.json$/, '')

const pocket: FileOpener = {
  async open(name) {
    const path = platform.joinPath(folder, name)
    return (await platform.pathKind(path)) === 'file' ? platform.openFile(path) : undefined
  },
  list: () => platform.listFolder(folder),
}

export default pocket
