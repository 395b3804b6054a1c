/** Folders of files for the tests of sources: on the disk, picked on a page, behind a directory handle. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { root } from '../support/child.ts'
import { refusal } from './helpers.ts'

export const CHECKPOINTS = join(root, 'test/fixtures/checkpoints')

/** The folder of the test that runs: it is new for each. */
export let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sources-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Writes files, making their folders; gives the path of the last. */
export function put(...files: readonly (readonly [path: string, content: string | Uint8Array])[]): string {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return join(folder, files.at(-1)![0])
}

/** Copies a file or a folder of the fixtures. */
export function copy(from: string, to: string): string {
  mkdirSync(dirname(join(folder, to)), { recursive: true })
  cpSync(from, join(folder, to), { recursive: true })
  return join(folder, to)
}

/** Opens the checkpoint, reads one tensor's bytes and closes it. */
export async function load(source: ModelSource) {
  const files = await openSource(source)
  try {
    const checkpoint = await openCheckpoint(files)
    const info = checkpoint.tensor('norm')
    await checkpoint.readTensor(info, 0, info.byteLength)
    return { format: checkpoint.format, ggufName: files.ggufName, label: files.label, file: info.file }
  } finally {
    await files.close()
  }
}

export const refused = (source: ModelSource) => refusal(() => load(source))

/** The files of a folder as a page gets them from `<input webkitdirectory>`. */
export function picked(path: string, base = dirname(path)): File[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const full = join(entry.parentPath, entry.name)
      const file = new File([new Uint8Array(readFileSync(full))], entry.name)
      return Object.defineProperty(file, 'webkitRelativePath', { value: full.slice(base.length + 1) })
    })
}

/** A folder as the File System Access API shows it. */
export function handleOf(path: string): FileSystemDirectoryHandle {
  const entries = readdirSync(path, { withFileTypes: true })
  const find = (name: string, isFolder: boolean) => {
    const full = join(path, name)
    if (!entries.some((entry) => entry.name === name)) throw new DOMException('no', 'NotFoundError')
    return isFolder ? handleOf(full) : { getFile: async () => new File([new Uint8Array(readFileSync(full))], name) }
  }
  return {
    kind: 'directory',
    name: path.slice(dirname(path).length + 1),
    async *keys() {
      for (const { name } of entries) yield name
    },
    getFileHandle: async (name: string) => find(name, false),
    getDirectoryHandle: async (name: string) => find(name, true),
  } as unknown as FileSystemDirectoryHandle
}
