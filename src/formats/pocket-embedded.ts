/** What `#pocket` means in the package: the files of the embedded model as texts in base64. */
import { base64Files } from './base64-reader.ts'

/** By name; the build puts them here (`tsup.config.ts`), and `pocket-node.ts` finds them in this module's file. */
declare const POCKET_FILES: Readonly<Record<string, string>>

export default base64Files(POCKET_FILES)
