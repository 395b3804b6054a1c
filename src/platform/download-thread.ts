/** Starts the worker that downloads for a page. Bundlers find its file by this very expression. */
import type { DownloadThread } from './types.ts'

/** undefined where no worker can be made. */
export function startDownloadThread(): DownloadThread | undefined {
  try {
    return new Worker(new URL('../formats/hub/worker.ts', import.meta.url), {
      type: 'module',
      name: 'mistral-webgpu-downloads',
    })
  } catch {
    return undefined
  }
}
