/** What runtimes with a file system do with it alike. Each part is loaded when it is asked for. */
import type { ModelStore, StoreOptions } from './store-types.ts'
import type { Disk, Platform } from './types.ts'

type OnDisk = Pick<Platform, 'openStore' | 'beginDownload' | 'environment' | 'ollamaFolders' | 'openDisk'>

/** @param openFile the runtime's own */
export function diskOf(openFile: Platform['openFile']): OnDisk {
  return {
    async openStore(options: StoreOptions): Promise<ModelStore> {
      return (await import('./hub-store.ts')).openHubStore(options, openFile)
    },

    // Files are written and hashed beside JavaScript here.
    async beginDownload(): Promise<undefined> {
      return undefined
    },

    async environment() {
      return (await import('./hub-place.ts')).environment()
    },
    async ollamaFolders(): Promise<string[]> {
      return (await import('./hub-place.ts')).ollamaFolders()
    },

    // Whoever reads models writes none.
    async openDisk(): Promise<Disk> {
      return (await import('./disk.ts')).disk
    },
  }
}
