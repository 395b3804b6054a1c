/** A caller's own opener of files, which stays with the caller while the worker reads through it. */
import type { CustomReader } from '../formats/byte-reader.ts'
import type { FileOpener, OpenedFile } from '../formats/file-opener.ts'
import type { ModelSource } from '../formats/source.ts'

/** What the worker may ask of an opener that stayed behind. */
export type Question = 'open' | 'list' | 'read' | 'close'

/** Stands for the opener in what is sent to the worker. */
export interface OpenerMark {
  readonly opener: true
  readonly lists: boolean
}

/** A file that is read where it was opened, by its number there. */
interface RemoteFile {
  readonly remote: number
  readonly size: number
}

export function isOpener(source: unknown): source is FileOpener {
  return typeof source === 'object' && source !== null && typeof (source as Partial<FileOpener>).open === 'function'
}

export function markOf(opener: FileOpener): OpenerMark {
  return { opener: true, lists: typeof opener.list === 'function' }
}

/** The caller's side: answers what the worker asks. */
export class OpenerServer {
  readonly #files = new Map<number, CustomReader>()
  #count = 0

  constructor(private readonly opener: FileOpener) {}

  async answer(question: Question, args: readonly unknown[]): Promise<unknown> {
    const [first, offset, length] = args as [never, number, number]
    if (question === 'list') return [...((await this.opener.list?.()) ?? [])]
    if (question === 'open') return this.#opened(await this.opener.open(first))
    const file = this.#files.get(first)
    if (question === 'close') {
      this.#files.delete(first)
      await file?.close?.()
      return undefined
    }
    return file!.read(offset, length)
  }

  #opened(file: OpenedFile): OpenedFile | RemoteFile {
    if (typeof file !== 'object' || file === null || !('read' in file)) return file
    const remote = ++this.#count
    this.#files.set(remote, file)
    return { remote, size: file.size }
  }
}

/** The worker's side: a source whose questions go to the caller. */
export function remoteSource(
  source: ModelSource | OpenerMark,
  ask: (question: Question, args: readonly unknown[]) => Promise<unknown>,
): ModelSource {
  if (typeof source !== 'object' || source === null || !('opener' in source)) return source as ModelSource
  const opener: FileOpener = {
    async open(name) {
      const file = (await ask('open', [name])) as OpenedFile | RemoteFile
      if (typeof file !== 'object' || file === null || !('remote' in file)) return file
      const { remote, size } = file
      return {
        size,
        read: (offset, length) => ask('read', [remote, offset, length]) as Promise<Uint8Array>,
        close: async () => void (await ask('close', [remote])),
      }
    },
  }
  return source.lists ? { ...opener, list: () => ask('list', []) as Promise<string[]> } : opener
}
