/** How a source is opened, as far as it has to be downloaded. */

/** Where names of models lead, and where their files are kept. */
export interface HubOptions {
  /** In place of `https://huggingface.co`: a mirror. Default: what `HF_ENDPOINT` says. */
  endpoint?: string | undefined
  /** For gated and private models. Default: `HF_TOKEN`, or what `hf auth login` stored. It is sent to the endpoint alone. */
  token?: string | undefined
  /** The folder of the cache. Default: that of huggingface_hub (`HF_HUB_CACHE`). A page has no folder to choose. */
  cacheFolder?: string | undefined
  /** True takes what the cache holds and asks nobody. Default: what `HF_HUB_OFFLINE` says. */
  offline?: boolean | undefined
}

/** The bytes of all that one source has to download, as far as that is known; they never get fewer. */
export interface DownloadProgress {
  readonly loaded: number
  readonly total: number
  /** The one that bytes came of. */
  readonly file: string
}

export interface SourceOptions {
  readonly signal?: AbortSignal | undefined
  readonly hub?: HubOptions | undefined
  /** Whether weights of plain addresses are kept; undefined keeps large ones where there is room. */
  readonly cache?: boolean | undefined
  /** True leaves weights where they are until `prepare`: their headers are read over the network. */
  readonly defer?: boolean | undefined
  /** Bytes that one request of a download asks for; for tests, whose files are small. */
  readonly segmentBytes?: number | undefined
  /** Is told which of several forms was chosen, and why, before anything of it comes. */
  readonly onChoice?: ((text: string) => void) | undefined
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined
}
