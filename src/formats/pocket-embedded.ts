/** What `#pocket` means in the package: the files of the embedded model as texts in base64. */
import { base64Reader } from './base64-reader.ts'
import type { FileOpener } from './file-opener.ts'

/** By name; the build puts them here (`tools/build.ts`). */
declare const POCKET_FILES: Readonly<Record<string, string>>

const pocket: FileOpener = {
  open: (name) => (Object.hasOwn(POCKET_FILES, name) ? base64Reader(POCKET_FILES[name]!) : undefined),
  list: () => Object.keys(POCKET_FILES),
}

export default pocket
