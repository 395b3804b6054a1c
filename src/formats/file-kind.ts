/** Recognises what a file is by its first bytes, whatever it is called. */

/** What the first bytes of a file say. `text` is the rest that is readable text, undefined what nobody knows. */
export type FileKind =
  | 'empty'
  | 'gguf'
  | 'safetensors'
  | 'lfs-pointer'
  | 'markup'
  | 'json'
  | 'text'
  | 'ggml'
  | 'pickle'
  | 'zip'
  | 'gzip'
  | 'zstd'
  | 'xz'
  | 'bzip2'
  | '7z'
  | 'tar'
  | 'hdf5'
  | 'tflite'
  | 'executable'

/** The head that {@link fileKind} wants to see: a tar tells what it is at byte 257. */
export const KIND_BYTES = 512

/** GGML's formats before GGUF, as they lie in a file: `lmgg`, `fmgg`, `tjgg` and `algg` read backwards. */
const MAGICS: readonly (readonly [kind: FileKind, at: number, magic: string])[] = [
  ['gguf', 0, 'GGUF'],
  ['ggml', 0, 'lmgg'],
  ['ggml', 0, 'fmgg'],
  ['ggml', 0, 'tjgg'],
  ['ggml', 0, 'algg'],
  ['zip', 0, 'PK\x03\x04'],
  ['zip', 0, 'PK\x05\x06'],
  ['zstd', 0, '\x28\xb5\x2f\xfd'],
  ['xz', 0, '\xfd7zXZ\x00'],
  ['bzip2', 0, 'BZh'],
  ['7z', 0, '7z\xbc\xaf\x27\x1c'],
  ['hdf5', 0, '\x89HDF\r\n\x1a\n'],
  ['tflite', 4, 'TFL3'],
  ['tar', 257, 'ustar'],
  ['executable', 0, '\x7fELF'],
  ['executable', 0, 'MZqFpD'],
  ['pickle', 0, '\x80\x02'],
  ['pickle', 0, '\x80\x03'],
  ['pickle', 0, '\x80\x04'],
  ['gzip', 0, '\x1f\x8b\x08'],
]

/** The specification wants this line first, and pointers below 1,024 bytes. */
const LFS_POINTER = /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\//
const LFS_POINTER_BYTES = 1024

/**
 * @param head the first {@link KIND_BYTES} bytes, or more, or the whole file when it is shorter
 * @param size of the whole file, in bytes
 */
export function fileKind(head: Uint8Array, size: number): FileKind | undefined {
  if (size === 0) return 'empty'
  // This comes first: the length of a safetensors header can look like the magic of anything.
  if (isSafetensors(head, size)) return 'safetensors'
  for (const [kind, at, magic] of MAGICS) if (hasMagic(head, at, magic)) return kind
  const text = textOf(head)
  if (text === undefined) return undefined
  if (LFS_POINTER.test(text) && size < LFS_POINTER_BYTES) return 'lfs-pointer'
  const start = text.trimStart()
  // `{{` and `{%` begin a template, and JSON never.
  if (/^(?:\{(?![{%#])|\[)/.test(start)) return 'json'
  return /^<[a-z!?]/i.test(start) ? 'markup' : 'text'
}

function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.byteLength < 9 || size < 10) return false
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true)
  return head[8] === 0x7b && length >= 2n && length < 2n ** 40n
}

function hasMagic(head: Uint8Array, at: number, magic: string): boolean {
  if (head.byteLength < at + magic.length) return false
  for (let i = 0; i < magic.length; i++) if (head[at + i] !== magic.charCodeAt(i)) return false
  return true
}

/** Undefined when the bytes are no UTF-8, or hold control characters that no text file has. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    // `stream` forgives a character that the end of the head cuts in two.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    return /[\u0000-\u0008\u000e-\u001a]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
