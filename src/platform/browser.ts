/** Browsers, in pages and in workers. There is no file system: files come as URLs, `File`s and directory handles. */
import { CheckpointError, DeviceError, ListenError, ParameterError } from '../errors.ts'
import type { ModelStore, StoreOptions } from './store-types.ts'
import type {
  DownloadThread,
  FetchHandler,
  GpuEntryOptions,
  Platform,
  RandomAccessFile,
  ServeOptions,
} from './types.ts'

export const platform: Platform = {
  name: 'browser',

  looksForResults: false,

  // Firefox's engine, whose slowness is measured before anything is done about it. Others are "like Gecko".
  get mayTellLate(): boolean {
    return /\bGecko\/\d/.test(globalThis.navigator?.userAgent ?? '')
  },

  calmly: (ask) => ask(),

  async openGpu(options: GpuEntryOptions = {}): Promise<GPU> {
    if (options.backend !== undefined) throw new ParameterError('backend', options.backend, 'exists in Node only')
    const gpu = globalThis.navigator?.gpu as GPU | undefined
    if (gpu) return gpu
    // Browsers hide `navigator.gpu` on plain http, which looks like a missing feature but is a deployment mistake.
    const insecure = globalThis.isSecureContext === false
    throw new DeviceError(
      insecure
        ? 'WebGPU exists only in secure contexts: serve the page over https, or from localhost'
        : 'this browser has no WebGPU; use Chrome or Edge 113, Safari 26, Firefox 141, or newer',
    )
  },

  async pathKind(): Promise<undefined> {
    return undefined
  },

  async openFile(path: string): Promise<RandomAccessFile> {
    throw new CheckpointError(
      { file: path },
      'a browser cannot open paths; pass a URL, File objects or a directory handle',
    )
  },

  async openStore({ folder }: StoreOptions): Promise<ModelStore> {
    if (folder !== undefined) throw new ParameterError('hub.cacheFolder', folder, 'a page has no folder to choose')
    return (await import('./opfs-store.ts')).openOpfsStore()
  },

  async beginDownload(): Promise<DownloadThread | undefined> {
    // A worker writes in place by itself.
    if (globalThis.document === undefined) return undefined
    const { storage } = navigator as { storage?: StorageManager }
    // Else browsers may drop gigabytes when the disk gets full. Some ask the user, who need not answer now.
    void storage?.persist?.().catch(() => false)
    return (await import('./download-thread.ts')).startDownloadThread()
  },

  async environment() {
    return {}
  },

  async ollamaFolders(): Promise<string[]> {
    return []
  },

  async openDisk(): Promise<never> {
    throw new CheckpointError({ file: 'the disk' }, 'a browser has none to write to')
  },

  // Loaded when asked for: whoever runs small models keeps none.
  openNotes: async () => (await import('./notes-browser.ts')).notes,

  async listFolder(): Promise<string[]> {
    return []
  },

  async serveHttp(_fetch: FetchHandler, { host, port }: ServeOptions): Promise<never> {
    throw new ListenError(
      host,
      port,
      'a browser has no sockets to listen on; call the app in process: app.fetch(request)',
    )
  },

  joinPath: (folder, name) => (folder === '' ? name : `${folder.replace(/\/+$/, '')}/${name}`),
}
